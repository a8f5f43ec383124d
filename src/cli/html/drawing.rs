//! What charts are made of: marks of SVG and a linear scale. Colours and type come from the style of the page,
//! so that charts follow light and dark.

use std::fmt::Write as _;

use super::escaped;

/// The style of charts.
pub(in crate::cli) const STYLE: &str = include_str!("chart.css");

/// A drawing. Lengths are units of its view box, which a page of full width shows about as pixels.
pub(in crate::cli) struct Drawing {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// Where a text stands by its point.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    /// An empty one; `title` is what those hear who do not see it.
    pub(in crate::cli) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: escaped(title), body: String::new() }
    }

    fn push(&mut self, mark: std::fmt::Arguments<'_>) {
        self.body.write_fmt(mark).expect("a string takes everything");
        self.body.push('\n');
    }

    /// A line between two points.
    pub(in crate::cli) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" />"
        ));
    }

    /// A line through points.
    pub(in crate::cli) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.push(format_args!("<polyline class=\"{class}\" points=\"{}\" />", points.join(" ")));
    }

    /// A rectangle from its upper left corner, told by `title` to who points at it.
    pub(in crate::cli) fn rectangle(
        &mut self,
        class: &str,
        at: (f64, f64),
        size: (f64, f64),
        title: &str,
    ) {
        self.rectangle_with(class, at, size, title, "");
    }

    /// [`Drawing::rectangle`] with more `attributes`.
    pub(in crate::cli) fn rectangle_with(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        title: &str,
        attributes: &str,
    ) {
        let (width, height) = (width.max(0.0), height.max(0.0));
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"\
             {attributes}><title>{}</title></rect>",
            escaped(title)
        ));
    }

    /// A dot, told by `title` to who points at it.
    pub(in crate::cli) fn dot(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        radius: f64,
        title: &str,
    ) {
        self.push(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"><title>{}</title></circle>",
            escaped(title)
        ));
    }

    /// A text whose base line begins, is centred or ends at a point.
    pub(in crate::cli) fn text(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escaped(text)
        ));
    }

    /// A text that runs upwards from a point.
    pub(in crate::cli) fn upright(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        self.push(format_args!(
            "<text class=\"{class}\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{}</text>",
            escaped(text)
        ));
    }

    /// Lines across at shares of 0, 25 … 100 %, each with its number at the left.
    pub(in crate::cli) fn shares_up(&mut self, scale: Scale, (from, to): (f64, f64)) {
        for quarter in 0..=4 {
            let share = f64::from(quarter) / 4.0;
            let y = scale.at(share);
            self.line("grid", (from, y), (to, y));
            let name = format!("{}%", quarter * 25);
            self.text("tick", (from - 8.0, y + 4.0), Anchor::End, &name);
        }
    }

    /// An interval across, with short lines at its ends; nothing where it is a point.
    pub(in crate::cli) fn interval(&mut self, y: f64, (low, high): (f64, f64)) {
        if high - low < 0.05 {
            return;
        }
        self.line("interval", (low, y), (high, y));
        for x in [low, high] {
            self.line("interval", (x, y - 4.0), (x, y + 4.0));
        }
    }

    /// The drawing as part of a page.
    pub(in crate::cli) fn finish(self) -> String {
        let Self { width, height, title, body } = self;
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             style=\"max-width:{width:.0}px\" role=\"group\" aria-label=\"{title}\">\n{body}</svg>\n"
        )
    }
}

/// Shares of 0..=1 onto units of a drawing.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Scale {
    /// Where 0 is.
    pub(in crate::cli) from: f64,
    /// Where 1 is.
    pub(in crate::cli) to: f64,
}

impl Scale {
    /// Where a share is.
    pub(in crate::cli) fn at(self, share: f64) -> f64 {
        self.from + (self.to - self.from) * share
    }
}

/// A share as `57.1%`.
pub(in crate::cli) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_escaped_and_scaled() {
        let scale = Scale { from: 100.0, to: 0.0 };
        assert_eq!([scale.at(0.0), scale.at(0.25), scale.at(1.0)], [100.0, 75.0, 0.0]);
        let mut drawing = Drawing::new(10.0, 20.0, "a <b>");
        drawing.rectangle("bar", (1.0, 2.0), (-3.0, 4.0), "\"x\" & y");
        drawing.text("tick", (0.0, 0.0), Anchor::End, "</svg>");
        let svg = drawing.finish();
        assert!(
            svg.contains("aria-label=\"a &lt;b&gt;\"") && svg.contains("width=\"0.0\""),
            "{svg}"
        );
        assert!(svg.contains("<title>&quot;x&quot; &amp; y</title>"), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1);
    }
}
