//! Diagram of critical differences: methods at their mean ranks, and bars over those that do not differ.

use std::fmt::Write as _;

use minijinja::{HtmlEscape, Value};

use super::{INK, MUTED, Picture, VERMILION, WIDTH, shortened};

/// Room for names at both sides, in pixels.
const SIDE: f64 = 260.0;
/// The heights of the bar of the critical difference and of the axis.
const DIFFERENCE: f64 = 26.0;
const AXIS: f64 = 66.0;
/// From the axis to the first bar, from bar to bar, and from name to name.
const BELOW_AXIS: f64 = 12.0;
const BAR: f64 = 9.0;
const LINE: f64 = 24.0;
/// How far a bar reaches beyond its methods.
const OVERHANG: f64 = 4.0;
/// From a line to its text.
const GAP: f64 = 6.0;

/// The diagram of Demšar (2006) of methods with their mean ranks. The axis has the best rank at the right, so
/// that methods hang at the side that they belong to; bars join groups whose ranks differ by less than
/// `difference`. `None` if there are fewer than two methods.
pub(crate) fn critical_difference(methods: &[(&str, f64)], difference: f64) -> Option<Picture> {
    if methods.len() < 2 {
        return None;
    }
    let mut methods = methods.to_vec();
    methods.sort_by(|a, b| a.1.total_cmp(&b.1));
    let k = methods.len();
    let unit = (WIDTH - 2.0 * SIDE) / (k - 1) as f64;
    let x = |rank: f64| WIDTH - SIDE - (rank - 1.0) * unit;
    let ranks: Vec<f64> = methods.iter().map(|(_, rank)| *rank).collect();
    let groups = groups(&ranks, difference);
    let first_name = AXIS + BELOW_AXIS + BAR * groups.len() as f64 + 16.0;
    let right = k.div_ceil(2);
    let height = first_name + LINE * (right - 1) as f64 + 16.0;

    let mut drawing = Drawing(String::new());
    let worst = x(k as f64);
    // A difference that does not fit is cut off.
    let end = (worst + difference * unit).min(WIDTH - GAP);
    drawing.line([worst, DIFFERENCE, end, DIFFERENCE], VERMILION, 2.0);
    for at in [worst, end] {
        drawing.line([at, DIFFERENCE - 5.0, at, DIFFERENCE + 5.0], VERMILION, 2.0);
    }
    let text = format!("critical difference {difference:.2}");
    drawing.text([f64::midpoint(worst, end), DIFFERENCE - 10.0], "middle", INK, &text);
    drawing.line([worst, AXIS, x(1.0), AXIS], INK, 1.0);
    for rank in 1..=k {
        let at = x(rank as f64);
        drawing.line([at, AXIS - 6.0, at, AXIS], INK, 1.0);
        drawing.text([at, AXIS - 12.0], "middle", MUTED, &rank.to_string());
    }
    for (number, (best, worst)) in groups.iter().enumerate() {
        let y = AXIS + BELOW_AXIS + BAR * number as f64;
        drawing.line([x(*worst) - OVERHANG, y, x(*best) + OVERHANG, y], INK, 4.0);
    }
    for (place, (name, rank)) in methods.iter().enumerate() {
        let is_right = place < right;
        let from_outside = if is_right { place } else { k - 1 - place };
        let y = first_name + LINE * from_outside as f64;
        let (edge, anchor) = if is_right { (WIDTH - SIDE + 16.0, "start") } else { (SIDE - 16.0, "end") };
        drawing.line([x(*rank), AXIS, x(*rank), y], MUTED, 1.0);
        drawing.line([x(*rank), y, edge, y], MUTED, 1.0);
        let text_x = if is_right { edge + GAP } else { edge - GAP };
        drawing.text([text_x, y + 4.5], anchor, INK, &format!("{} ({rank:.2})", shortened(name)));
    }
    let svg = format!(r#"<svg viewBox="0 0 {WIDTH} {height}" font-size="13">{}</svg>"#, drawing.0);
    let description = format!(
        "Mean ranks of {k} methods, with bars over groups that differ by less than the critical difference"
    );
    Some(Picture { svg: Value::from_safe_string(svg), description })
}

/// The smallest and the largest rank of each largest group of at least two whose ranks, which are sorted,
/// differ by less than a difference.
fn groups(ranks: &[f64], difference: f64) -> Vec<(f64, f64)> {
    let mut groups = Vec::new();
    let mut covered = 0;
    for (first, &best) in ranks.iter().enumerate() {
        let end = first + ranks[first..].iter().take_while(|rank| **rank - best < difference).count();
        if end > first + 1 && end > covered {
            groups.push((best, ranks[end - 1]));
            covered = end;
        }
    }
    groups
}

/// The elements of an SVG.
struct Drawing(String);

impl Drawing {
    fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], color: &str, width: f64) {
        let ends = format!(r#"x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}""#);
        self.push(format_args!(r#"<line {ends} stroke="{color}" stroke-width="{width}"/>"#));
    }

    fn text(&mut self, [x, y]: [f64; 2], anchor: &str, color: &str, text: &str) {
        let place = format!(r#"x="{x:.1}" y="{y:.1}" text-anchor="{anchor}""#);
        self.push(format_args!(r#"<text {place} fill="{color}">{}</text>"#, HtmlEscape(text)));
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        self.0.write_fmt(element).expect("a string takes all text");
    }
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn groups_are_the_largest_of_what_does_not_differ() {
        assert_eq!(groups(&[1.0, 2.0, 3.5], 0.5), []);
        assert_eq!(groups(&[1.0, 2.0, 3.5], 1.0), [], "a difference as large is significant");
        assert_eq!(groups(&[1.0, 2.0, 3.5], 2.0), [(1.0, 2.0), (2.0, 3.5)]);
        assert_eq!(groups(&[1.0, 2.0, 3.5], 3.0), [(1.0, 3.5)]);
        assert_eq!(groups(&[2.0, 2.0, 2.0], 0.1), [(2.0, 2.0)]);
        // Demšar (2006), figure 1 (b).
        assert_eq!(groups(&[1.964, 2.0, 2.893, 3.143], 1.25), [(1.964, 3.143)]);
    }
}
