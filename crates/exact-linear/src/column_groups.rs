//! Which columns belong together: those of one original column of a table.

use std::collections::BTreeMap;

use crate::dataset::Dataset;
use crate::rows::Inputs;

/// The columns divided into groups: the indicators of a category; a number with its curve, where columns are
/// expanded to splines; each other column alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnGroups(Vec<Vec<usize>>);

impl ColumnGroups {
    /// Those of a data set.
    pub fn of(data: &Dataset<'_>) -> Self {
        // The first column of each column's group.
        let mut first: Vec<usize> = (0..data.n_columns()).collect();
        if let Inputs::Encoded(features) = &data.inputs {
            let layout = features.layout();
            for block in layout.block_offsets.windows(2) {
                let start = layout.n_dense + block[0];
                first[start..layout.n_dense + block[1]].fill(start);
            }
        }
        if let Some(expansion) = &data.expansion {
            for (column, of) in expansion.columns_of_curves() {
                first[column] = of;
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (column, &first) in first.iter().enumerate() {
            groups.entry(first).or_default().push(column);
        }
        Self(groups.into_values().collect())
    }

    /// Each column alone.
    pub fn single(n_columns: usize) -> Self {
        Self((0..n_columns).map(|column| vec![column]).collect())
    }

    /// The columns of each group.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Whether some columns are not alone.
    pub fn have_several_columns(&self) -> bool {
        self.iter().any(|group| group.len() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::ColumnGroups;
    use crate::dataset::Dataset;
    use crate::expansion::{Basis, Expansion, Sample};
    use exact_data::{Features, Layout};
    use std::sync::Arc;

    #[test]
    fn categories_and_curves_are_groups() {
        let layout = Layout {
            n_dense: 2,
            block_offsets: vec![0, 3, 4],
            indicator_mean: vec![0.25; 4],
            indicator_std: vec![0.5; 4],
            ..Layout::dense(2)
        };
        // The first column has too few values for a curve.
        let dense = (0..20).flat_map(|row| [f64::from(row % 2), f64::from(row * 7 % 20)]).collect();
        let codes = (0..20).flat_map(|row| [row % 3, 0]).collect();
        let features = Features::new(20, dense, codes, layout).unwrap();
        let data = Dataset::new(features, (0..20).map(|row| row % 2).collect(), 2, None).unwrap();
        let groups = ColumnGroups::of(&data);
        assert_eq!(groups.iter().collect::<Vec<_>>(), [&[0][..], &[1], &[2, 3, 4], &[5]]);
        assert!(groups.have_several_columns() && !ColumnGroups::single(6).have_several_columns());

        let sample = Sample {
            inputs: &data.inputs,
            standardisation: &data.standardisation,
            labels: &data.labels,
            n_classes: 2,
            residuals: &|| Ok(Vec::new()),
            seed: 0,
            compared: true,
        };
        let splines = Expansion::fit(Basis::Splines, &sample).unwrap().unwrap();
        let expanded = data.expanded(&Arc::new(splines)).unwrap();
        let n_curve = expanded.n_columns() - 6;
        let curve: Vec<usize> = [1].into_iter().chain(2..2 + n_curve).collect();
        let block: Vec<usize> = (2 + n_curve..5 + n_curve).collect();
        let groups = ColumnGroups::of(&expanded);
        assert!(n_curve > 4);
        assert_eq!(groups.iter().collect::<Vec<_>>(), [&[0][..], &curve, &block, &[5 + n_curve]]);
    }
}
