//! Other settings of a recipe to choose from by validation accuracy, as many for every loss.

use exact_core::loss::LossSettings;

use crate::recipe::Recipe;

/// The plastic number, the solution of `x³ = x + 1`: multiples of its powers cover the square evenly.
const PLASTIC: f64 = 1.324_717_957_244_746;

/// A setting of a loss that a search tries values of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossSetting {
    /// Its name, as in a recipe.
    pub name: &'static str,
    /// The value.
    pub value: f64,
}

/// The setting of a loss that a search tries values of, by its name and with their range, if the loss has
/// one.
fn searched(loss: &mut LossSettings) -> Option<(&'static str, &mut f64, Range)> {
    Some(match loss {
        LossSettings::CrossEntropy { label_smoothing } => {
            ("label-smoothing", label_smoothing, Range::Linear([0.0, 0.2]))
        }
        LossSettings::Exact(scores)
        | LossSettings::Probit(scores)
        | LossSettings::MacroF1(scores)
        | LossSettings::TopK { scores, .. }
        | LossSettings::ExpectedCost { scores, .. } => {
            let range = Range::Logarithmic([0.01, 1.0]);
            if scores.learned_sigma {
                ("first-sigma", &mut scores.first_sigma, range)
            } else {
                ("last-sigma", &mut scores.last_sigma, range)
            }
        }
        LossSettings::Hinge { margin } => ("margin", margin, Range::Logarithmic([0.1, 10.0])),
        LossSettings::Sigmoid { temperature }
        | LossSettings::BetaBernoulli { temperature }
        | LossSettings::Polynomial { temperature } => {
            ("temperature", temperature, Range::Logarithmic([0.1, 10.0]))
        }
        LossSettings::Poly1 { epsilon } => ("epsilon", epsilon, Range::Logarithmic([0.1, 10.0])),
        LossSettings::Focal { gamma } => ("gamma", gamma, Range::Logarithmic([0.5, 5.0])),
        LossSettings::WeightedSum { .. } => return None,
    })
}

impl Recipe {
    /// The setting of the loss that [`Recipe::trials`] differ in, if it has one.
    pub fn searched(&self) -> Option<LossSetting> {
        let mut loss = self.loss.clone();
        searched(&mut loss).map(|(name, value, _)| LossSetting { name, value: *value })
    }

    /// This recipe and others, `count` in all, that differ in the first learning rate and in one setting of
    /// the loss. The rates are the same for every loss, so that a choice among so many by validation accuracy
    /// is equal tuning.
    ///
    /// The rate is within a factor of ten of the recipe's. The last sigma (the first, where sigma is learned)
    /// is from 0.01 to 1, as in the paper; margins, temperatures and the epsilon of Poly-1 are from 0.1 to 10
    /// and the gamma of the focal loss from 0.5 to 5, all on a logarithmic scale; label smoothing is up to
    /// 0.2. The points are those of an additive recurrence, which covers the square evenly for any count,
    /// rounded to two digits.
    ///
    /// # Example
    /// ```
    /// use exact_vision::Recipe;
    ///
    /// let recipe = Recipe::from_toml("model = \"m3\"\nloss = { name = \"exact\" }")?;
    /// let trials = recipe.trials(3);
    /// assert_eq!(trials[0], recipe);
    /// let rates: Vec<f64> = trials.iter().map(|trial| trial.learning_rate.first).collect();
    /// assert_eq!(rates, [0.1, 0.032, 0.01]);
    /// assert_eq!(trials[2].searched().map(|setting| setting.value), Some(0.19));
    /// # Ok::<(), exact_vision::VisionError>(())
    /// ```
    pub fn trials(&self, count: usize) -> Vec<Self> {
        let trial = |number: usize| {
            if number == 0 {
                return self.clone();
            }
            let place = |step: f64| (0.5 + number as f64 * step).fract();
            let mut recipe = self.clone();
            let rate = &mut recipe.learning_rate;
            let rates = Range::Logarithmic([rate.first / 10.0, rate.first * 10.0]);
            rate.first = rates.at(place(PLASTIC.recip()));
            rate.last = rate.last.min(rate.first);
            if let Some((_, value, range)) = searched(&mut recipe.loss) {
                *value = range.at(place(PLASTIC.powi(-2)));
            }
            recipe
        };
        (0..count).map(trial).collect()
    }
}

/// The values that are tried, from the lowest to the highest.
#[derive(Debug, Clone, Copy)]
enum Range {
    Linear([f64; 2]),
    Logarithmic([f64; 2]),
}

impl Range {
    /// The value at a place between 0 and 1, with two significant digits.
    fn at(self, place: f64) -> f64 {
        let value = match self {
            Self::Linear([low, high]) => low + (high - low) * place,
            Self::Logarithmic([low, high]) => low * (high / low).powf(place),
        };
        format!("{value:.1e}").parse().expect("a number that is written can be read")
    }
}

#[cfg(test)]
mod tests {
    use exact_core::loss::{LossKind, LossSettings, RandomScores};

    use super::LossSetting;
    use crate::Recipe;

    fn recipe(loss: LossSettings) -> Recipe {
        Recipe { loss, ..Recipe::new("small-cnn".parse().unwrap()) }
    }

    #[test]
    fn every_loss_is_tried_with_as_many_settings_and_the_same_rates() {
        let trials = |kind| recipe(LossSettings::named(kind).unwrap()).trials(12);
        let rates =
            |trials: &[Recipe]| trials.iter().map(|trial| trial.learning_rate.first).collect::<Vec<_>>();
        let expected = rates(&trials(LossKind::Exact));
        assert!(expected.iter().all(|rate| (0.01..=1.0).contains(rate)), "{expected:?}");
        for loss in LossKind::FOR_ACCURACY {
            let trials = trials(loss);
            assert_eq!(rates(&trials), expected, "{loss}");
            for trial in &trials {
                trial.check().unwrap();
            }
            let repeated = (0..12).find(|&at| trials[..at].contains(&trials[at]));
            assert_eq!(repeated, None, "{loss}");
        }
    }

    #[test]
    fn one_setting_of_the_loss_is_tried() {
        let scores = RandomScores::default();
        let learned = RandomScores { learned_sigma: true, ..scores.clone() };
        for (loss, name, values) in [
            (LossSettings::CrossEntropy { label_smoothing: 0.0 }, "label-smoothing", [0.0, 0.014, 0.13]),
            (LossSettings::Exact(scores.clone()), "last-sigma", [1.0, 0.014, 0.19]),
            (LossSettings::MacroF1(learned), "first-sigma", [10.0, 0.014, 0.19]),
            (LossSettings::TopK { k: 2, scores: scores.clone() }, "last-sigma", [1.0, 0.014, 0.19]),
            (LossSettings::ExpectedCost { costs: Vec::new(), scores }, "last-sigma", [1.0, 0.014, 0.19]),
            (LossSettings::Hinge { margin: 2.0 }, "margin", [2.0, 0.14, 1.9]),
            (LossSettings::Focal { gamma: 2.0 }, "gamma", [2.0, 0.59, 2.2]),
        ] {
            let found: Vec<_> = recipe(loss).trials(3).iter().map(Recipe::searched).collect();
            assert_eq!(found, values.map(|value| Some(LossSetting { name, value })), "{name}");
        }
        let sum = recipe(LossSettings::WeightedSum { parts: Vec::new() });
        assert_eq!((sum.searched(), sum.trials(2)[1].loss.clone()), (None, sum.loss));
    }
}
