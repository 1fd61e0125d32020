//! CPU blow-up: CPU time grows faster than linearly with the size of the input.
//!
//! Decided on the CPU time of the whole process tree over a series of sizes, less what the smallest size costs: by the
//! exponent of a power law fitted to it, or by a size that runs into the limit while half of it cost next to nothing.
//! Must not decide on one time, nor on wall time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The smallest size of the series when the bundle names none.
pub const SIZE_FIRST: u64 = 16;
/// The largest size of the series when the bundle names none.
pub const SIZE_LAST: u64 = 1 << 17;
/// CPU limit of one size, in milliseconds, where the wall limit is not less.
pub const SERIES_CPU_MS_MAX: u64 = 4_000;
/// The least exponent that is a blow-up, by the lower bound of the fit.
pub const EXPONENT_MIN: f64 = 1.5;
/// Points above the noise that a fit needs.
pub const POINTS_MIN: usize = 3;
/// Points after which a clear fit ends the series early.
pub const POINTS_CLEAR: usize = 4;
/// CPU time above the baseline from which a point is above the noise, in microseconds.
pub const NOISE_US: u64 = 20_000;
/// CPU time above the baseline that the largest size must reach, in microseconds: no disturbance of a short run does.
pub const CLEAR_US: u64 = 150_000;
/// How often points are measured again before noise is taken to hide no law.
pub const ROUNDS_AGAIN_MAX: usize = 4;
/// Share of the limit under which the size before must have stayed for a cut-off to be a blow-up, in percent.
pub const CUT_OFF_PERCENT_MAX: u64 = 5;

/// What one size cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// The run ended well and used this CPU time, in microseconds.
    Finished(u64),
    /// The run was ended at its CPU limit, or at the wall limit after using much of it.
    CutOff,
    /// The run ended otherwise: it shows nothing.
    Failed,
}

/// What a series shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Growth {
    /// Super-linear.
    BlowUp(Value),
    /// Reached the largest size without.
    Tame(Value),
    /// Neither could be shown: the run at this size failed.
    FailedAt(u64),
    /// Slow, but not shown to be super-linear before the limit.
    LimitAt(u64),
}

/// The sizes when the bundle names none: powers of two, so that exponential growth shows as well as quadratic.
#[must_use]
pub fn sizes_default() -> Vec<u64> {
    std::iter::successors(Some(SIZE_FIRST), |n| Some(n * 2)).take_while(|n| *n <= SIZE_LAST).collect()
}

/// The least of what each size cost over all repeats of one version. Whatever disturbs a run only adds to it, so this says
/// more than any single repeat does.
#[derive(Debug, Default)]
pub struct Pool {
    /// Size to CPU time in microseconds; `None` where every run of it was cut off.
    costs: BTreeMap<u64, Option<u64>>,
}

impl Pool {
    /// Takes in what one run cost.
    pub fn add(&mut self, size: u64, cost: Cost) {
        let slot = match cost {
            Cost::Failed => return,
            Cost::CutOff | Cost::Finished(_) => self.costs.entry(size).or_default(),
        };
        if let Cost::Finished(us) = cost {
            *slot = Some(slot.map_or(us, |least| least.min(us)));
        }
    }

    /// What all repeats together show, where they show super-linear growth.
    #[must_use]
    pub fn blow_up(&self, limit_us: u64) -> Option<Value> {
        let mut finished = self.costs.iter().map_while(|(size, us)| us.map(|us| (*size, us)));
        let (first, base) = finished.next()?;
        let points: Vec<(u64, u64)> = finished.map(|(size, us)| (size, us.saturating_sub(base))).collect();
        let (before, last) = points.last().copied().unwrap_or((first, 0));
        let series = Series { base, points };
        if let Some(fit) = series.power_law(POINTS_MIN) {
            return Some(series.observation(&fit));
        }
        let cut_off = self.costs.iter().find(|(_, us)| us.is_none()).map(|(size, _)| *size)?;
        is_cliff(before, cut_off, last, limit_us).then(|| series.cut_off(before, cut_off, limit_us))
    }
}

/// Whether a size that ran into the limit stands right above one that cost next to nothing.
fn is_cliff(before: u64, size: u64, last_us: u64, limit_us: u64) -> bool {
    size <= before.saturating_mul(2) && last_us < limit_us / 100 * CUT_OFF_PERCENT_MAX
}

/// Sizes for the profile of a trace run, the best first: as much work as may still finish. Below a cut-off that is
/// somewhere between the last size that finished, at which there was next to nothing to see, and the one that did not.
#[must_use]
pub fn profile_sizes(observation: &Value) -> Vec<u64> {
    let points = observation.get("points").and_then(Value::as_array);
    let largest = points.into_iter().flatten().filter_map(|p| p.get("size")?.as_u64()).max();
    let Some(largest) = largest else { return Vec::new() };
    let mut sizes = Vec::new();
    if let Some(cut_off) = observation.get("cut_off_size").and_then(Value::as_u64) {
        let between = |quarters: u64| largest + cut_off.saturating_sub(largest) * quarters / 4;
        sizes.extend([3, 2, 1].map(between));
    }
    sizes.push(largest);
    sizes.dedup();
    sizes
}

/// Runs the series until it is decided. `cost` runs one size.
///
/// # Errors
/// Whatever `cost` says.
pub fn growth<E>(sizes: &[u64], limit_us: u64, mut cost: impl FnMut(u64) -> Result<Cost, E>) -> Result<Growth, E> {
    let Some((first, rest)) = sizes.split_first() else { return Ok(Growth::Tame(Value::Null)) };
    let base = match cost(*first)? {
        Cost::Finished(us) => us,
        Cost::CutOff => return Ok(Growth::LimitAt(*first)),
        Cost::Failed => return Ok(Growth::FailedAt(*first)),
    };
    // Everything is weighed against this one: what disturbed it would hide a law.
    let base = match cost(*first)? {
        Cost::Finished(again) => base.min(again),
        Cost::CutOff | Cost::Failed => base,
    };
    let mut series = Series { base, points: Vec::new() };
    let mut before = *first;
    for size in rest {
        match cost(*size)? {
            Cost::Finished(us) => series.points.push((*size, us.saturating_sub(base))),
            Cost::CutOff => return at_the_limit(series, before, *size, limit_us, cost),
            Cost::Failed => {
                let shown = series.power_law_again(&mut cost)?;
                return Ok(shown.map_or(Growth::FailedAt(*size), |fit| Growth::BlowUp(series.observation(&fit))));
            }
        }
        before = *size;
        if series.power_law(POINTS_CLEAR).is_some()
            && let Some(fit) = series.power_law_again(&mut cost)?
        {
            return Ok(Growth::BlowUp(series.observation(&fit)));
        }
    }
    Ok(match series.power_law_again(&mut cost)? {
        Some(fit) => Growth::BlowUp(series.observation(&fit)),
        None => Growth::Tame(json!({ "largest": before })),
    })
}

fn at_the_limit<E>(
    mut series: Series,
    before: u64,
    size: u64,
    limit_us: u64,
    mut cost: impl FnMut(u64) -> Result<Cost, E>,
) -> Result<Growth, E> {
    let last = series.points.last().map_or(0, |(_, us)| *us);
    if is_cliff(before, size, last, limit_us) {
        return Ok(Growth::BlowUp(series.cut_off(before, size, limit_us)));
    }
    if let Some(fit) = series.power_law_again(&mut cost)? {
        return Ok(Growth::BlowUp(series.observation(&fit)));
    }
    // A steep curve leaves few points between noise and limit: some more between the last two sizes.
    for quarter in 1..4u32 {
        let between = before as f64 * (size as f64 / before as f64).powf(f64::from(quarter) / 4.0);
        let between = between as u64;
        if between <= before || between >= size {
            continue;
        }
        match cost(between)? {
            Cost::Finished(us) => series.points.push((between, us.saturating_sub(series.base))),
            Cost::CutOff | Cost::Failed => break,
        }
    }
    if let Some(fit) = series.power_law_again(&mut cost)? {
        return Ok(Growth::BlowUp(series.observation(&fit)));
    }
    // Few points leave a wide margin on a busy machine: the middles between them narrow it.
    series.middles_measure(&mut cost)?;
    Ok(match series.power_law_again(&mut cost)? {
        Some(fit) => Growth::BlowUp(series.observation(&fit)),
        None => Growth::LimitAt(size),
    })
}

struct Series {
    /// CPU time at the smallest size, microseconds.
    base: u64,
    /// Size and CPU time above the base, microseconds.
    points: Vec<(u64, u64)>,
}

/// A line through logarithms.
struct Fit {
    exponent: f64,
    /// One-sided 90 % lower bound.
    lower: f64,
    r_squared: f64,
}

impl Series {
    /// The largest sizes in a row that are all above the noise: a small size above it, followed by a larger one below,
    /// was disturbed and shows nothing.
    fn above_noise(&self) -> Vec<(f64, f64)> {
        let floor = self.floor();
        let start = self.points.iter().rposition(|(_, us)| *us < floor).map_or(0, |last| last + 1);
        self.points[start..].iter().map(|(size, us)| ((*size as f64).ln(), (*us as f64).ln())).collect()
    }

    /// The fit, where enough points show a super-linear law that reaches far enough.
    fn power_law(&self, points_min: usize) -> Option<Fit> {
        let points = self.above_noise();
        let clear = self.points.last().is_some_and(|(_, us)| *us >= CLEAR_US.max(self.base));
        if points.len() < points_min || !clear {
            return None;
        }
        Some(fit(&points)).filter(|fit| fit.lower >= EXPONENT_MIN)
    }

    /// The same, sure of it: the largest size is measured once more, and where a law is there and only noise hides it,
    /// each other point too, some times over. The lesser cost counts, because whatever disturbs a run only adds to it.
    fn power_law_again<E>(&mut self, cost: &mut impl FnMut(u64) -> Result<Cost, E>) -> Result<Option<Fit>, E> {
        let points = self.above_noise();
        if points.len() < POINTS_MIN || fit(&points).exponent < EXPONENT_MIN {
            return Ok(None);
        }
        let largest = self.points.len() - 1;
        self.measure_again(largest, cost)?;
        for _ in 0..ROUNDS_AGAIN_MAX {
            if let Some(fit) = self.power_law(POINTS_MIN) {
                return Ok(Some(fit));
            }
            for index in self.points.len() - points.len()..largest {
                self.measure_again(index, cost)?;
            }
        }
        Ok(self.power_law(POINTS_MIN))
    }

    /// Adds the size in the middle between every two neighbours above the noise.
    fn middles_measure<E>(&mut self, cost: &mut impl FnMut(u64) -> Result<Cost, E>) -> Result<(), E> {
        let start = self.points.len() - self.above_noise().len();
        let sizes: Vec<u64> = self.points[start..].iter().map(|(size, _)| *size).collect();
        for pair in sizes.windows(2) {
            let middle = ((pair[0] as f64) * (pair[1] as f64)).sqrt() as u64;
            if middle <= pair[0] || middle >= pair[1] {
                continue;
            }
            if let Cost::Finished(us) = cost(middle)? {
                self.points.push((middle, us.saturating_sub(self.base)));
            }
        }
        self.points.sort_unstable();
        Ok(())
    }

    fn measure_again<E>(&mut self, index: usize, cost: &mut impl FnMut(u64) -> Result<Cost, E>) -> Result<(), E> {
        let Some((size, us)) = self.points.get_mut(index) else { return Ok(()) };
        if let Cost::Finished(again) = cost(*size)? {
            *us = (*us).min(again.saturating_sub(self.base));
        }
        Ok(())
    }

    fn floor(&self) -> u64 {
        NOISE_US.max(self.base / 2)
    }

    fn listed(&self) -> Vec<Value> {
        self.points.iter().map(|(size, us)| json!({ "size": size, "cpu_ms": us / 1_000 })).collect()
    }

    fn observation(&self, fit: &Fit) -> Value {
        let round = |x: f64| (x * 100.0).round() / 100.0;
        json!({
            "growth": "power-law",
            "exponent": round(fit.exponent),
            "exponent_lower": round(fit.lower),
            "r_squared": round(fit.r_squared),
            "baseline_cpu_ms": self.base / 1_000,
            "points": self.listed(),
        })
    }

    fn cut_off(&self, before: u64, size: u64, limit_us: u64) -> Value {
        let mut points = self.listed();
        if points.is_empty() {
            points.push(json!({ "size": before, "cpu_ms": 0 }));
        }
        json!({
            "growth": "cut-off",
            "cut_off_size": size,
            "limit_cpu_ms": limit_us / 1_000,
            "baseline_cpu_ms": self.base / 1_000,
            "points": points,
        })
    }
}

/// Least squares, with the lower bound by Student's t for so few points.
fn fit(points: &[(f64, f64)]) -> Fit {
    let n = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let sxx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let sxy: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    let syy: f64 = points.iter().map(|p| (p.1 - my).powi(2)).sum();
    let exponent = sxy / sxx;
    let residual = (syy - exponent * sxy).max(0.0);
    let freedom = points.len().saturating_sub(2);
    let error = (residual / (freedom as f64) / sxx).sqrt();
    let r_squared = if syy > 0.0 { 1.0 - residual / syy } else { 0.0 };
    Fit { exponent, lower: exponent - student_t(freedom) * error, r_squared }
}

/// One-sided 90 % quantile of Student's t.
fn student_t(freedom: usize) -> f64 {
    const TABLE: [f64; 10] = [3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372];
    match freedom {
        0 => f64::INFINITY,
        n => TABLE.get(n - 1).copied().unwrap_or(1.36),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT_US: u64 = SERIES_CPU_MS_MAX * 1_000;

    /// A program with this cost per size, in microseconds, on a runtime that starts in 50 ms give or take 3.
    fn run(cost: impl Fn(f64) -> f64) -> Growth {
        let mut wobble = 0u64;
        let decided: Result<Growth, ()> = growth(&sizes_default(), LIMIT_US, |size| {
            wobble = (wobble * 7 + 3) % 11;
            let us = 47_000 + wobble * 600 + cost(size as f64) as u64;
            Ok(if us > LIMIT_US { Cost::CutOff } else { Cost::Finished(us) })
        });
        decided.unwrap()
    }

    #[test]
    fn flat_linear_and_nearly_linear_growth_is_tame() {
        assert!(matches!(run(|_| 0.0), Growth::Tame(_)));
        assert!(matches!(run(|n| n * 3.0), Growth::Tame(_)));
        assert!(matches!(run(|n| n * n.ln()), Growth::Tame(_)));
    }

    #[test]
    fn quadratic_cubic_steep_and_exponential_growth_blows_up() {
        for (name, cost) in [
            ("quadratic", Box::new(|n: f64| n * n / 400.0) as Box<dyn Fn(f64) -> f64>),
            ("fast quadratic", Box::new(|n: f64| n * n / 2.0)),
            ("cubic", Box::new(|n: f64| n * n * n / 1000.0)),
            ("quartic", Box::new(|n: f64| n.powi(4) / 1e5)),
            ("exponential", Box::new(|n: f64| 2f64.powf(n) / 50.0)),
        ] {
            assert!(matches!(run(cost), Growth::BlowUp(_)), "{name}");
        }
    }

    #[test]
    fn a_busy_machine_is_no_blow_up() {
        for seed in 0..2_000u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let decided: Result<Growth, ()> = growth(&sizes_default(), LIMIT_US, |_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Most runs take what they take; some take up to five times that.
                let disturbed = if state % 4 == 0 { state % 200_000 } else { state % 15_000 };
                Ok(Cost::Finished(47_000 + disturbed))
            });
            assert!(matches!(decided, Ok(Growth::Tame(_))), "seed {seed}: {decided:?}");
        }
    }

    /// A law of which no single repeat is sure shows in the least costs of several; noise alone shows none.
    #[test]
    fn repeats_together_show_what_one_hides() {
        let mut law = Pool::default();
        let mut none = Pool::default();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..9 {
            for size in sizes_default().into_iter().filter(|n| *n <= 8_192) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let disturbed = 47_000 + state % 60_000;
                law.add(size, Cost::Finished(disturbed + size * size / 40));
                none.add(size, Cost::Finished(disturbed + size));
            }
        }
        law.add(16_384, Cost::CutOff);
        none.add(16_384, Cost::Failed);
        assert_eq!(law.blow_up(LIMIT_US).unwrap()["growth"], "power-law");
        assert_eq!(none.blow_up(LIMIT_US), None);
        let mut cliff = Pool::default();
        for (size, cost) in [(16, Cost::Finished(47_000)), (32, Cost::Finished(48_000)), (64, Cost::CutOff)] {
            cliff.add(size, cost);
        }
        assert_eq!(cliff.blow_up(LIMIT_US).unwrap()["growth"], "cut-off");
        // A size that ran through even once was not at the limit.
        cliff.add(64, Cost::Finished(50_000));
        assert_eq!(cliff.blow_up(LIMIT_US), None);
    }

    #[test]
    fn linear_but_slow_is_no_blow_up() {
        assert_eq!(run(|n| n * 100.0), Growth::LimitAt(65_536));
    }

    #[test]
    fn a_failing_size_shows_nothing() {
        let decided: Result<Growth, ()> =
            growth(&[1, 2, 4, 8], LIMIT_US, |n| Ok(if n < 4 { Cost::Finished(50_000) } else { Cost::Failed }));
        assert_eq!(decided, Ok(Growth::FailedAt(4)));
    }
}
