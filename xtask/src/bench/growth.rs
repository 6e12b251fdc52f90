//! How figures grow with the number of instances: each at every size, and the exponent.

use super::report::align;

/// Figures at growing numbers of something.
pub(super) struct Growth {
    /// What there are so many of.
    of: &'static str,
    /// Each figure's name and unit.
    names: Vec<(&'static str, &'static str)>,
    columns: Vec<(usize, Vec<f64>)>,
}

impl Growth {
    pub(super) fn new(of: &'static str, names: &[(&'static str, &'static str)]) -> Self {
        Self { of, names: names.to_vec(), columns: Vec::new() }
    }

    /// Adds the figures at one size, in the order of their names.
    pub(super) fn add(&mut self, size: usize, figures: Vec<f64>) {
        let named = self.names.iter().map(|(name, _)| *name).zip(&figures);
        eprintln!("{size} {}: {:.1?}", self.of, named.collect::<Vec<_>>());
        self.columns.push((size, figures));
    }

    /// The table, its columns aligned.
    pub(super) fn render_table(&self) -> String {
        let sizes = self.columns.iter().map(|(size, _)| size.to_string());
        let head = [self.of.to_owned()].into_iter().chain(sizes).chain(["exponent".to_owned()]);
        let mut lines = vec![head.collect::<Vec<_>>()];
        for (row, (name, unit)) in self.names.iter().enumerate() {
            let points: Vec<_> =
                self.columns.iter().map(|(size, figures)| (*size, figures[row])).collect();
            let cells = points.iter().map(|(_, figure)| format!("{figure:.1} {unit}"));
            let mut line: Vec<_> = [(*name).to_owned()].into_iter().chain(cells).collect();
            line.push(exponent(&points).map_or_else(String::new, |it| format!("{it:.2}")));
            lines.push(line);
        }
        align(&lines)
    }
}

/// The b of `figure = a · sizeᵇ` that fits best: least squares of the logarithms. None for figures
/// that have no logarithm, or of fewer than two sizes.
#[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 instances")]
fn exponent(points: &[(usize, f64)]) -> Option<f64> {
    let logs: Vec<_> =
        points.iter().map(|(size, figure)| ((*size as f64).ln(), figure.ln())).collect();
    let count = logs.len() as f64;
    let middle = |axis: fn(&(f64, f64)) -> f64| logs.iter().map(axis).sum::<f64>() / count;
    let (x, y) = (middle(|it| it.0), middle(|it| it.1));
    let above: f64 = logs.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
    let below: f64 = logs.iter().map(|it| (it.0 - x).powi(2)).sum();
    Some(above / below).filter(|it| it.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_powers() {
        let of = |f: fn(f64) -> f64| {
            let points =
                [10, 50, 200].map(|size| (size, f(f64::from(u16::try_from(size).unwrap()))));
            format!("{:.3}", exponent(&points).unwrap())
        };
        assert_eq!(of(|_| 7.0), "0.000");
        assert_eq!(of(|n| 3.0 * n), "1.000");
        assert_eq!(of(|n| 0.1 * n * n), "2.000");
        assert_eq!(of(f64::sqrt), "0.500");
        assert_eq!(exponent(&[(10, 1.0)]), None);
        assert_eq!(exponent(&[(10, 0.0), (50, 1.0)]), None);
    }

    #[test]
    fn a_figure_is_a_line() {
        let mut growth = Growth::new("instances", &[("memory", "MB")]);
        growth.add(10, vec![2.0]);
        growth.add(100, vec![20.0]);
        let table = growth.render_table();
        assert!(table.contains("| memory    | 2.0 MB | 20.0 MB | 1.00     |"), "{table}");
    }
}
