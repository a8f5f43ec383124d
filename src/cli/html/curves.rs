//! Curves over a range that begins at zero, such as steps or time: axes, and the points of the curves.

use super::drawing::{Anchor, Drawing, Scale};

/// The size of a chart.
const SIZE: (f64, f64) = (860.0, 300.0);

/// The room at its left, and below it.
const ROOM: (f64, f64) = (56.0, 34.0);

/// At most so many points are drawn of a curve; what lies between two is their mean.
pub(in crate::cli) const MOST_POINTS: usize = 600;

/// Places up to fewer than this are told with decimals.
const FEW: f64 = 4.0;

/// A number at each of some places.
pub(in crate::cli) type Curve = Vec<(f64, f64)>;

/// A curve of no more than [`MOST_POINTS`] points.
pub(in crate::cli) fn thinned(curve: &Curve) -> Curve {
    let size = curve.len().div_ceil(MOST_POINTS).max(1);
    let mean = |part: &[(f64, f64)]| {
        let sum = part.iter().map(|(_, y)| y).sum::<f64>();
        (part[part.len() - 1].0, sum / part.len() as f64)
    };
    curve.chunks(size).map(mean).collect()
}

/// Where a curve ends.
pub(in crate::cli) fn last(curve: &Curve) -> f64 {
    curve.last().map_or(0.0, |(x, _)| *x)
}

/// How high a curve goes.
pub(in crate::cli) fn most(curve: &Curve) -> f64 {
    curve.iter().map(|(_, y)| *y).fold(0.0, f64::max)
}

/// A chart in the making: its drawing and its scales.
pub(in crate::cli) struct Axes {
    /// What is drawn.
    pub(in crate::cli) drawing: Drawing,
    across: Scale,
    up: Scale,
    last: f64,
    most: f64,
}

impl Axes {
    /// An empty chart for numbers from 0 to `most` at places up to `last`, with its axes.
    pub(in crate::cli) fn new(title: &str, last: f64, most: f64) -> Self {
        let ((width, height), (left, below)) = (SIZE, ROOM);
        let or_one = |end: f64| if end > 0.0 { end } else { 1.0 };
        let (last, most) = (or_one(last), or_one(most));
        let across = Scale { from: left, to: width - 16.0 };
        let up = Scale { from: height - below, to: 10.0 };
        let mut chart =
            Self { drawing: Drawing::new(width, height, title), across, up, last, most };
        for quarter in 0..=4 {
            let share = f64::from(quarter) / 4.0;
            let y = up.at(share);
            chart.drawing.line("grid", (across.from, y), (across.to, y));
            let name = number(most * share, most);
            chart.drawing.text("tick", (left - 8.0, y + 4.0), Anchor::End, &name);
            let x = across.at(share);
            let place = match last {
                last if last >= FEW => format!("{:.0}", last * share),
                last => number(last * share, last),
            };
            chart.drawing.text("tick", (x, height - below + 18.0), Anchor::Middle, &place);
        }
        chart
    }

    /// Where a point is drawn.
    pub(in crate::cli) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.across.at(x / self.last), self.up.at(y / self.most))
    }

    /// Draws a curve.
    pub(in crate::cli) fn draw(&mut self, class: &str, curve: &Curve) {
        let points: Curve = curve.iter().map(|point| self.at(*point)).collect();
        self.drawing.path(class, &points);
    }
}

/// A number of an axis that goes up to `most`.
fn number(value: f64, most: f64) -> String {
    match most {
        _ if value == 0.0 => "0".to_owned(),
        most if most >= 10.0 => format!("{value:.0}"),
        most if most >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.1e}"),
    }
}
