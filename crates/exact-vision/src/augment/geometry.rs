//! Moving pixels. What comes in from outside the image is black.

use super::image::Image;

/// Moves the image down and to the right by whole pixels, or up and to the left by negative ones.
pub(super) fn shift(image: &mut Image, down: isize, right: isize) {
    let (height, width) = (image.shape.height, image.shape.width);
    image.redraw(|plane, row, column| {
        let (row, column) = (row.checked_add_signed(-down), column.checked_add_signed(-right));
        match (row, column) {
            (Some(row), Some(column)) if row < height && column < width => plane[row * width + column],
            _ => 0,
        }
    });
}

/// Swaps left and right.
pub(super) fn flip(image: &mut Image) {
    let width = image.shape.width;
    image.pixels.chunks_exact_mut(width).for_each(<[u8]>::reverse);
}

/// Blackens a square of `size` pixels around a centre, as far as it is inside.
pub(super) fn cut_out(image: &mut Image, size: usize, [row, column]: [usize; 2]) {
    let width = image.shape.width;
    let half = size / 2;
    let range = |centre: usize, end: usize| centre.saturating_sub(half)..(centre + (size - half)).min(end);
    let (rows, columns) = (range(row, image.shape.height), range(column, width));
    for plane in image.planes_mut() {
        for row in rows.clone() {
            plane[row * width..][columns.clone()].fill(0);
        }
    }
}

/// An affine map about the centre of the image: where in the old image, relative to its centre and in pixels,
/// the new pixel at `(x, y)` comes from: `matrix (x, y) + offset`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine {
    pub matrix: [[f64; 2]; 2],
    pub offset: [f64; 2],
}

impl Affine {
    const IDENTITY: Self = Self { matrix: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };

    /// Turns the image to the left.
    pub fn rotation(degrees: f64) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { matrix: [[cos, -sin], [sin, cos]], ..Self::IDENTITY }
    }

    /// Moves rows sideways in proportion to their height above the centre.
    pub fn shear_x(factor: f64) -> Self {
        Self { matrix: [[1.0, factor], [0.0, 1.0]], ..Self::IDENTITY }
    }

    /// Moves columns up or down in proportion to their distance from the centre.
    pub fn shear_y(factor: f64) -> Self {
        Self { matrix: [[1.0, 0.0], [factor, 1.0]], ..Self::IDENTITY }
    }

    /// Draws the image anew, with bilinear interpolation.
    pub fn apply(&self, image: &mut Image) {
        let (height, width) = (image.shape.height, image.shape.width);
        let centre = [(width - 1) as f64 / 2.0, (height - 1) as f64 / 2.0];
        image.redraw(|plane, row, column| {
            let (x, y) = (column as f64 - centre[0], row as f64 - centre[1]);
            let [from_x, from_y] = [0, 1].map(|axis| {
                let [a, b] = self.matrix[axis];
                a * x + b * y + self.offset[axis] + centre[axis]
            });
            let (left, top) = (from_x.floor(), from_y.floor());
            let (share_x, share_y) = (from_x - left, from_y - top);
            let pixel = |row: f64, column: f64| {
                let inside = row >= 0.0 && column >= 0.0 && row < height as f64 && column < width as f64;
                if inside { f64::from(plane[row as usize * width + column as usize]) } else { 0.0 }
            };
            let line = |row| (1.0 - share_x) * pixel(row, left) + share_x * pixel(row, left + 1.0);
            ((1.0 - share_y) * line(top) + share_y * line(top + 1.0)).round() as u8
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Affine, cut_out, flip, shift};
    use crate::ImageShape;
    use crate::augment::image::Image;

    fn image() -> Image {
        Image { pixels: (1..=12).collect(), shape: ImageShape { channels: 2, height: 2, width: 3 } }
    }

    fn changed(change: impl Fn(&mut Image)) -> Vec<u8> {
        let mut image = image();
        change(&mut image);
        image.pixels
    }

    #[test]
    fn pixels_move() {
        assert_eq!(changed(|image| shift(image, 1, -1)), [0, 0, 0, 2, 3, 0, 0, 0, 0, 8, 9, 0]);
        assert_eq!(changed(|image| shift(image, 0, 5)), [0; 12]);
        assert_eq!(changed(flip), [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
        assert_eq!(changed(|image| cut_out(image, 2, [0, 0])), [0, 2, 3, 4, 5, 6, 0, 8, 9, 10, 11, 12]);
        assert_eq!(changed(|image| cut_out(image, 3, [1, 2])), [1, 0, 0, 4, 0, 0, 7, 0, 0, 10, 0, 0]);
    }

    #[test]
    fn affine_maps_turn_and_shear() {
        assert_eq!(changed(|image| Affine::IDENTITY.apply(image)), image().pixels);
        let square = ImageShape { channels: 1, height: 3, width: 3 };
        let turned = |map: Affine| {
            let mut image = Image { pixels: (1..=9).collect(), shape: square };
            map.apply(&mut image);
            image.pixels
        };
        // A quarter turn to the left takes the right column to the top.
        assert_eq!(turned(Affine::rotation(90.0)), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        // The row above the centre moves right by one, that below it left.
        assert_eq!(turned(Affine::shear_x(1.0)), [0, 1, 2, 4, 5, 6, 8, 9, 0]);
        assert_eq!(turned(Affine::shear_y(1.0)), [0, 2, 6, 1, 5, 9, 4, 8, 0]);
        // Half a pixel: means of neighbours, half of them black at the edge.
        let half = Affine { offset: [0.5, 0.0], ..Affine::IDENTITY };
        assert_eq!(turned(half), [2, 3, 2, 5, 6, 3, 8, 9, 5]);
    }
}
