//! Other settings of a recipe to choose from by validation accuracy, as many for every loss.

use crate::Recipe;
use crate::recipe::LossSettings;

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

impl LossSettings {
    /// The setting of the loss that a search tries values of, if it has one.
    pub fn searched(&self) -> Option<LossSetting> {
        let (name, value) = match self {
            Self::CrossEntropy { label_smoothing } => ("label-smoothing", *label_smoothing),
            Self::Focal { gamma } => ("gamma", *gamma),
            Self::Hinge { margin } => ("margin", *margin),
            Self::Sigmoid { temperature }
            | Self::BetaBernoulli { temperature }
            | Self::Polynomial { temperature } => ("temperature", *temperature),
            Self::Poly1 { epsilon } => ("epsilon", *epsilon),
            Self::Exact(scores)
            | Self::Probit(scores)
            | Self::MacroF1(scores)
            | Self::TopK { scores, .. } => {
                let scheduled = ("last-sigma", scores.last_sigma);
                if scores.learned_sigma { ("first-sigma", scores.first_sigma) } else { scheduled }
            }
            Self::WeightedSum { .. } => return None,
        };
        Some(LossSetting { name, value })
    }

    /// The loss with the searched setting at a place between 0 and 1 of its range.
    fn at_place(&self, place: f64) -> Self {
        let mut loss = self.clone();
        match &mut loss {
            Self::CrossEntropy { label_smoothing } => *label_smoothing = rounded(0.2 * place),
            Self::Focal { gamma } => *gamma = logarithmic(place, [0.5, 5.0]),
            Self::Hinge { margin } => *margin = logarithmic(place, [0.1, 10.0]),
            Self::Sigmoid { temperature }
            | Self::BetaBernoulli { temperature }
            | Self::Polynomial { temperature } => *temperature = logarithmic(place, [0.1, 10.0]),
            Self::Poly1 { epsilon } => *epsilon = logarithmic(place, [0.1, 10.0]),
            Self::Exact(scores)
            | Self::Probit(scores)
            | Self::MacroF1(scores)
            | Self::TopK { scores, .. } => {
                let sigma = logarithmic(place, [0.01, 1.0]);
                if scores.learned_sigma { scores.first_sigma = sigma } else { scores.last_sigma = sigma }
            }
            Self::WeightedSum { .. } => {}
        }
        loss
    }
}

impl Recipe {
    /// This recipe and others, `count` in all, that differ in the first learning rate and in one setting of the loss. The rates are
    /// the same for every loss, so that a choice among so many by validation accuracy is equal tuning.
    ///
    /// The rate is within a factor of ten of the recipe's. The last sigma (the first, where sigma is learned) is from 0.01 to 1, as
    /// in the paper; margins, temperatures and the epsilon of Poly-1 are from 0.1 to 10 and the gamma of the focal loss from 0.5 to
    /// 5, all on a logarithmic scale; label smoothing is up to 0.2. The points are those of an additive recurrence, which covers the
    /// square evenly for any count, rounded to two digits.
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
    /// assert_eq!(trials[2].loss.searched().map(|setting| setting.value), Some(0.19));
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
            rate.first = logarithmic(place(PLASTIC.recip()), [rate.first / 10.0, rate.first * 10.0]);
            rate.last = rate.last.min(rate.first);
            recipe.loss = self.loss.at_place(place(PLASTIC.powi(-2)));
            recipe
        };
        (0..count).map(trial).collect()
    }
}

/// The value at a place between 0 and 1 of a range on a logarithmic scale.
fn logarithmic(place: f64, [low, high]: [f64; 2]) -> f64 {
    rounded(low * (high / low).powf(place))
}

/// Two significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use crate::{LossSettings, Recipe};

    #[test]
    fn every_loss_is_tried_with_as_many_settings_and_the_same_rates() {
        let trials = |loss: &str| {
            let mut recipe = Recipe::new("small-cnn".parse().unwrap());
            recipe.loss = loss.parse().unwrap();
            recipe.trials(12)
        };
        let rates =
            |trials: &[Recipe]| trials.iter().map(|trial| trial.learning_rate.first).collect::<Vec<_>>();
        let expected = rates(&trials("exact"));
        assert!(expected.iter().all(|rate| (0.01..=1.0).contains(rate)), "{expected:?}");
        for loss in LossSettings::FOR_ACCURACY {
            let trials = trials(loss);
            assert_eq!(rates(&trials), expected, "{loss}");
            for trial in &trials {
                trial.check().unwrap();
            }
            let repeated = (0..12).find(|&at| trials[..at].contains(&trials[at]));
            assert_eq!(repeated, None, "{loss}");
        }
    }
}
