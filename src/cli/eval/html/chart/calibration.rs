//! The calibration curve: the share that is right in each bin of scores, beside the line on which a score
//! keeps its promise; how many predictions a bin has shows as the size of its dot.

use super::{Anchor, Drawing, Scale, percent};
use crate::eval::Calibration;

/// The chart.
pub(in crate::cli::eval) fn chart(calibration: &Calibration) -> String {
    let (width, height) = (460.0, 310.0);
    let across = Scale { from: 52.0, to: width - 16.0 };
    let up = Scale { from: height - 46.0, to: 12.0 };
    let mut drawing = Drawing::new(width, height, "the share that is right, by score");
    drawing.shares_up(up, (across.from, across.to));
    for tenth in [0, 2, 4, 6, 8, 10] {
        let share = f64::from(tenth) / 10.0;
        let at = (across.at(share), up.from + 18.0);
        drawing.text("tick", at, Anchor::Middle, &format!("{share:.1}"));
    }
    drawing.text("axis", (across.at(0.5), height - 8.0), Anchor::Middle, "score");
    drawing.line("promise", (across.at(0.0), up.at(0.0)), (across.at(1.0), up.at(1.0)));
    let bins = calibration.bins();
    let bins: Vec<_> = bins.into_iter().filter(|bin| bin.count > 0).collect();
    let point =
        |bin: &crate::eval::CalibrationBin| (across.at(bin.mean_score), up.at(bin.accuracy));
    let points: Vec<(f64, f64)> = bins.iter().map(point).collect();
    for ((x, y), bin) in points.iter().zip(&bins) {
        drawing.line("gap", (*x, *y), (*x, up.at(bin.mean_score)));
    }
    drawing.path("curve", &points);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
    for (at, bin) in points.iter().zip(&bins) {
        let told = format!(
            "score {:.1} to {:.1}: {} of {} right ({}), mean score {:.2}",
            bin.from,
            bin.to,
            bin.right,
            bin.count,
            percent(bin.accuracy),
            bin.mean_score
        );
        drawing.dot("bin", *at, 3.5 + 7.0 * (bin.count as f64 / most).sqrt(), &told);
    }
    drawing.finish()
}
