//! The description of a loss: names, settings, construction and link.

use exact_core::Link;
use exact_core::loss::{
    Exact, Hyperparameters, Logits, Loss, LossError, LossKind, LossSettings, OnRandomScores, RandomScores,
    WeightedLoss,
};

/// Settings of every loss.
fn every_loss() -> Vec<LossSettings> {
    let scores = RandomScores::default;
    LossKind::ALL
        .map(|kind| match kind {
            LossKind::CrossEntropy => LossSettings::CrossEntropy { label_smoothing: 0.1 },
            LossKind::Exact => LossSettings::Exact(scores().with_margin(Some(0.5))),
            LossKind::Probit => LossSettings::Probit(RandomScores { learned_sigma: true, ..scores() }),
            LossKind::Hinge => LossSettings::Hinge { margin: 2.0 },
            LossKind::Sigmoid => LossSettings::Sigmoid { temperature: 0.5 },
            LossKind::BetaBernoulli => LossSettings::BetaBernoulli { temperature: 0.5 },
            LossKind::Polynomial => LossSettings::Polynomial { temperature: 0.5 },
            LossKind::Poly1 => LossSettings::Poly1 { epsilon: 2.0 },
            LossKind::Focal => LossSettings::Focal { gamma: 2.0 },
            LossKind::TopK => LossSettings::TopK { k: 2, scores: scores() },
            LossKind::MacroF1 => LossSettings::MacroF1(scores()),
            LossKind::ExpectedCost => {
                let costs = vec![vec![0.0, 1.0, 2.0], vec![1.0, 0.0, 1.0], vec![5.0, 1.0, 0.0]];
                LossSettings::ExpectedCost { costs, scores: scores() }
            }
            LossKind::WeightedSum => LossSettings::WeightedSum {
                parts: vec![
                    WeightedLoss { weight: 0.5, loss: LossSettings::default() },
                    WeightedLoss { weight: 0.5, loss: LossSettings::Exact(scores()) },
                ],
            },
        })
        .to_vec()
}

#[test]
fn kinds_names_settings_and_losses_agree() {
    for (settings, kind) in every_loss().into_iter().zip(LossKind::ALL) {
        assert_eq!(settings.kind(), kind);
        assert_eq!(kind.name().parse(), Ok(kind));
        assert_eq!(settings.at::<f64>(0, 10).unwrap().name(), kind.name());
        // The name in files is the same.
        let json = serde_json::to_value(&settings).unwrap();
        assert_eq!(json["name"], kind.name());
        assert_eq!(serde_json::from_value::<LossSettings>(json).unwrap(), settings);
    }
    let unknown = "exakt".parse::<LossKind>().unwrap_err().to_string();
    assert!(unknown.contains("'exakt'") && unknown.contains("exact, probit"), "{unknown}");
}

#[test]
fn losses_for_accuracy_need_no_settings() {
    for kind in LossKind::FOR_ACCURACY {
        let settings = Hyperparameters::default().settings(kind).unwrap();
        assert_eq!(settings.build::<f32>().unwrap().name(), kind.name());
    }
    let needed = |kind| Hyperparameters::default().settings(kind).unwrap_err();
    for (kind, setting) in [
        (LossKind::Focal, "gamma"),
        (LossKind::TopK, "k"),
        (LossKind::ExpectedCost, "costs"),
        (LossKind::WeightedSum, "parts"),
    ] {
        assert_eq!(needed(kind), LossError::MissingSetting { loss: kind.name(), setting });
    }
}

#[test]
fn sigma_follows_its_schedule_or_is_learned() {
    let settings = LossSettings::Exact(RandomScores::default());
    assert_eq!(settings.sigma(0, 3), Ok(Some(10.0)));
    assert!((settings.sigma(2, 3).unwrap().unwrap() - 1.0).abs() < 1e-15);
    let learned = LossSettings::Exact(RandomScores { learned_sigma: true, ..RandomScores::default() });
    assert_eq!(learned.sigma(2, 3), Ok(Some(10.0)));
    assert_eq!(learned.build::<f64>().unwrap().initial_parameters(), [10.0_f64.ln()]);
    assert_eq!(LossSettings::default().sigma(2, 3), Ok(None));
    for (name, first, last) in [("first-sigma", 0.0, 1.0), ("last-sigma", 1.0, f64::NAN)] {
        let scores = RandomScores { first_sigma: first, last_sigma: last, ..RandomScores::default() };
        let error = LossSettings::Probit(scores).sigma(0, 3).unwrap_err();
        assert!(matches!(error, LossError::Setting { name: found, .. } if found == name), "{error}");
    }
}

#[test]
fn a_described_loss_is_the_loss() {
    let described = LossSettings::Exact(RandomScores::constant(0.4).with_margin(Some(0.5)));
    let exact = Exact::new(0.4).unwrap().with_margin(0.5).unwrap();
    let logits = [2.0, 0.5, -1.0, 0.0, 0.3, 0.1];
    let mut gradients = [[0.0; 6]; 2];
    let [of_described, of_exact] = &mut gradients;
    let logits = Logits::new(&logits, 3).unwrap();
    let value = described.build().unwrap().evaluate(logits, &[0, 2], None, of_described).unwrap();
    assert_eq!(value, exact.evaluate(logits, &[0, 2], None, of_exact).unwrap());
    assert_eq!(gradients[0], gradients[1]);
}

#[test]
fn links_are_normal_where_scores_are() {
    for settings in every_loss() {
        let probit = settings.scores().is_some();
        assert_eq!(settings.link() == Link::Probit { sigma: 1.0 }, probit, "{}", settings.name());
    }
    let constant = LossSettings::Probit(RandomScores::constant(0.3));
    assert_eq!(constant.link(), Link::Probit { sigma: 0.3 });
}

#[test]
fn costs_of_different_lengths_are_refused() {
    let costs = vec![vec![0.0, 1.0], vec![1.0]];
    let settings = LossSettings::ExpectedCost { costs, scores: RandomScores::constant(1.0) };
    let error = settings.build::<f64>().err();
    assert_eq!(error, Some(LossError::Length { what: "row of the cost matrix", found: 1, expected: 2 }));
}
