//! A data set with the folds of a cross-validation, and what is trained on each.

use std::sync::OnceLock;

use exact_core::loss::{LossKind, LossSettings};
use exact_data::{Split, stratified_folds, stratified_split};
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::grid::{Candidate, L2_STRENGTHS, Method};
use crate::progress::Watch;
use crate::refine::Fit;
use crate::settings::Settings;
use crate::solver::Solver;
use crate::train_options::TrainOptions;
use crate::{LinearError, refine, sgd};

/// Rows above which minibatch SGD chooses its hyper-parameters on a stratified sample of this size.
const SGD_SELECTION_ROWS: usize = 100_000;

/// Rows to train on and rows to validate on.
pub(crate) struct Fold {
    pub train: Dataset<'static>,
    pub validation: Dataset<'static>,
}

/// The solutions along a path over the L2 strengths.
type Path = Vec<Fit>;

/// All rows and their folds.
pub(crate) struct FoldedData<'a> {
    pub all: Dataset<'a>,
    /// At least one.
    pub folds: Vec<Fold>,
    pub options: TrainOptions,
    /// The cross-entropy paths of the folds, then of all rows.
    cross_entropy: OnceLock<Vec<Path>>,
}

impl<'a> FoldedData<'a> {
    /// Draws folds; the options have the solver itself in place of `auto`.
    pub fn draw(all: Dataset<'a>, options: TrainOptions) -> Result<Self, LinearError> {
        let n_classes = all.n_classes;
        let selection_rows = match options.solver {
            Solver::Sgd if all.n_rows() > SGD_SELECTION_ROWS => {
                let kept = SGD_SELECTION_ROWS as f64 / all.n_rows() as f64;
                Some(stratified_split(&all.labels, n_classes, kept, options.seed)?.test)
            }
            _ => None,
        };
        let sample = selection_rows.map(|rows| all.select(&rows));
        let selection = sample.as_ref().unwrap_or(&all);
        let folds = stratified_folds(&selection.labels, n_classes, options.folds, options.seed)?
            .iter()
            .map(|rows| {
                let (train, validation) = selection.hold_out(rows)?;
                Ok(Fold { train, validation })
            })
            .collect::<Result<_, LinearError>>()?;
        Ok(Self { all, folds, options, cross_entropy: OnceLock::new() })
    }

    /// Takes folds as they are given.
    pub fn with_folds(all: Dataset<'a>, folds: &[Split], options: TrainOptions) -> Result<Self, LinearError> {
        let n_rows = all.n_rows();
        let checked = |(fold, Split { train, test }): (usize, &Split)| {
            let fail = |problem| LinearError::Fold { fold, problem };
            for (rows, purpose) in [(train, "train"), (test, "validate")] {
                match rows.iter().max() {
                    None => return Err(fail(format!("no rows to {purpose} on"))),
                    Some(row) if *row >= n_rows => {
                        return Err(fail(format!("the row {row}, of {n_rows} rows counted from 0")));
                    }
                    Some(_) => {}
                }
            }
            let (train, validation) = all.split(train, test)?;
            Ok(Fold { train, validation })
        };
        let folds: Vec<Fold> = folds.iter().enumerate().map(checked).collect::<Result<_, LinearError>>()?;
        if folds.is_empty() {
            return Err(LinearError::Fold { fold: 0, problem: "not been given".into() });
        }
        Ok(Self { all, folds, options, cross_entropy: OnceLock::new() })
    }

    /// The rows to train on: a fold's, or all for the index past the last fold.
    fn training_rows(&self, fold: usize) -> &Dataset<'_> {
        self.folds.get(fold).map_or(&self.all, |fold| &fold.train)
    }

    /// One candidate trained on a fold, or on all rows for the index past the last fold.
    pub fn fit(&self, candidate: &Candidate, fold: usize, watch: &Watch<'_>) -> Result<Fit, LinearError> {
        let (data, TrainOptions { metric, seed, .. }) = (self.training_rows(fold), &self.options);
        let goal = Goal::new(&candidate.settings, metric)?;
        match candidate.method {
            Method::Sgd { learning_rate } => sgd::fit(data, &goal, learning_rate, *seed, watch),
            Method::Lbfgs { strength } => {
                let solution = &self.cross_entropy(watch)?[fold][strength];
                if goal.kind() == LossKind::CrossEntropy {
                    return Ok(solution.clone());
                }
                refine::fit(data, &goal, &solution.parameters, watch)
            }
        }
    }

    /// The cross-entropy paths: each strength starts from the stronger one.
    fn cross_entropy(&self, watch: &Watch<'_>) -> Result<&Vec<Path>, LinearError> {
        if let Some(paths) = self.cross_entropy.get() {
            return Ok(paths);
        }
        let paths = (0..=self.folds.len())
            .into_par_iter()
            .map(|fold| {
                let data = self.training_rows(fold);
                let mut start = vec![0.0; data.map().n_parameters()];
                let mut path = Vec::with_capacity(L2_STRENGTHS.len());
                for l2 in L2_STRENGTHS {
                    let settings = Settings::new(LossSettings::default(), l2);
                    let goal = Goal::new(&settings, &self.options.metric)?;
                    let fit = refine::fit(data, &goal, &start, watch)?;
                    start.clone_from(&fit.parameters);
                    path.push(fit);
                }
                Ok(path)
            })
            .collect::<Result<Vec<Path>, LinearError>>()?;
        Ok(self.cross_entropy.get_or_init(|| paths))
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Dataset, FoldedData, TrainOptions};
    use crate::grid;
    use crate::progress::{Progress, Watch};
    use crate::rows::Inputs;
    use crate::solver::Solver;
    use exact_core::loss::LossKind;
    use exact_data::{Features, stratified_folds};

    const ROWS: usize = 60;

    fn labels() -> Vec<u32> {
        (0..ROWS).map(|i| (i % 7 % 3) as u32).collect()
    }

    /// Features of three overlapping classes; those of `altered` rows are something else.
    fn folded(altered: &[usize], solver: Solver) -> FoldedData<'static> {
        let x = (0..ROWS).flat_map(|row| {
            let (noise, label) = ((row as f64 * 12.9898).sin(), f64::from(labels()[row]));
            if altered.contains(&row) { [-9.0 * noise, 7.0] } else { [label + noise, label * noise] }
        });
        let features = Features::from_dense(x.collect(), 2).unwrap();
        let data = Dataset::new(features, labels(), 3, None).unwrap();
        FoldedData::draw(data, TrainOptions::default().with_folds(3).with_solver(solver)).unwrap()
    }

    #[test]
    fn rows_held_out_have_no_part_in_what_is_fitted_without_them() {
        for (fold, held_out) in stratified_folds(&labels(), 3, 3, 0).unwrap().iter().enumerate() {
            for (solver, kinds) in
                [(Solver::Lbfgs, &LossKind::FOR_ACCURACY[..]), (Solver::Sgd, &[LossKind::CrossEntropy][..])]
            {
                let (plain, altered) = (folded(&[], solver), folded(held_out, solver));
                let mut permuted = folded(&[], solver);
                permuted.folds[fold].validation.labels.rotate_left(1);
                for &kind in kinds {
                    let grid = match solver {
                        Solver::Sgd => grid::sgd(kind),
                        _ => grid::lbfgs(kind),
                    };
                    let candidate: &Candidate = &grid.unwrap()[1];
                    let watch = Watch::new(&Progress::ignore, kind.name(), 1);
                    let fit = |data: &FoldedData<'_>, fold| data.fit(candidate, fold, &watch).unwrap();
                    assert_eq!(fit(&plain, fold), fit(&altered, fold), "{kind}");
                    assert_eq!(fit(&plain, fold), fit(&permuted, fold), "{kind}");
                    // The other folds do train on these rows.
                    let other = (fold + 1) % 3;
                    assert_ne!(fit(&plain, other).parameters, fit(&altered, other).parameters, "{kind}");
                }
            }
        }
    }

    fn dense<'a>(data: &'a Dataset<'_>) -> &'a [f64] {
        let Inputs::Encoded(features) = &data.inputs else { panic!("not encoded") };
        features.dense()
    }

    #[test]
    fn every_row_is_held_out_once() {
        let data = folded(&[], Solver::Lbfgs);
        let mut held_out = Vec::new();
        for fold in &data.folds {
            assert_eq!(fold.train.n_rows() + fold.validation.n_rows(), ROWS);
            held_out.extend_from_slice(dense(&fold.validation));
        }
        let mut all = dense(&data.all).to_vec();
        all.sort_by(f64::total_cmp);
        held_out.sort_by(f64::total_cmp);
        assert_eq!(held_out, all);
    }
}
