//! How rows are divided into blocks: by their number alone, so that sums over blocks, added in order, do not
//! depend on the number of threads.

/// Rows in a block at least.
const MIN_BLOCK_ROWS: usize = 512;
/// Blocks at most: each has sums of its own.
const MAX_BLOCKS: usize = 64;
/// Numbers in the sums of all blocks at most (128 MB), unless one block has more.
const MAX_SUMS: usize = 1 << 24;

/// Rows of a block, each of which has `width` sums of its own.
pub(crate) fn block_rows(n_rows: usize, width: usize) -> usize {
    let blocks = (MAX_SUMS / width.max(1)).clamp(1, MAX_BLOCKS);
    n_rows.div_ceil(blocks).max(MIN_BLOCK_ROWS)
}
