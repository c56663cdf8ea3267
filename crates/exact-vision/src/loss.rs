//! The losses of exact-core on Burn tensors.

use std::fmt;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use exact_core::loss::{Logits, Loss, Samples};

use crate::error::VisionError;

/// A training criterion: a loss of `exact-core`, with its learned parameters, for the logits of any Burn
/// model on any device.
///
/// The loss and its gradient are computed by `exact-core` in `f32` on the processor; what travels between it
/// and the device are the logits and their gradient. Backward hands that gradient to the model as it is, so
/// there is one implementation of each loss and of its derivative.
///
/// # Formula
/// With `l` the value and `g`, `d` the derivatives with respect to logits `z` and parameters `p`, and `[·]`
/// for constants: `l + Σ [g] (z - [z]) + Σ [d] (p - [p])`. The differences are exactly 0, so the value is
/// exactly `l`.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::{Device, Int, Tensor};
/// use exact_core::loss::Exact;
/// use exact_vision::loss::Criterion;
///
/// let device = Device::default().autodiff();
/// let logits = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 1.0]], &device).require_grad();
/// let targets = Tensor::<1, Int>::from_data([0, 0], &device);
/// let criterion = Criterion::new(Arc::new(Exact::new(0.5)?), &device);
/// let loss = criterion.forward(logits.clone(), targets)?;
/// // The mean of 1 - Φ(√2) and 1 - Φ(-√2).
/// assert!((loss.clone().into_scalar::<f32>() - 0.5).abs() < 1e-6);
/// let gradient = logits.grad(&loss.backward()).ok_or("no gradient")?.into_data();
/// // -φ(√2) √2 / 2: the slope of both samples, whose margins differ only in sign.
/// assert!((gradient.as_slice::<f32>()?[0] + 0.103_776_9).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module)]
pub struct Criterion {
    #[module(skip)]
    loss: SharedLoss,
    parameters: Option<Param<Tensor<1>>>,
}

/// A loss that clones of a criterion share.
#[derive(Clone)]
struct SharedLoss(Arc<dyn Loss<f32>>);

impl fmt::Debug for SharedLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl fmt::Debug for Criterion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Criterion").field("loss", &self.loss).finish_non_exhaustive()
    }
}

impl Criterion {
    /// The loss, with its learned parameters (such as log sigma) at their starting values on the device.
    pub fn new(loss: Arc<dyn Loss<f32>>, device: &Device) -> Self {
        let initial = loss.initial_parameters();
        let parameters = (!initial.is_empty())
            .then(|| Param::from_tensor(Tensor::from_floats(initial.as_slice(), device)));
        Self { loss: SharedLoss(loss), parameters }
    }

    /// The same learned parameters with another loss, as where sigma follows a schedule.
    #[must_use]
    pub fn with_loss(mut self, loss: Arc<dyn Loss<f32>>) -> Self {
        self.loss = SharedLoss(loss);
        self
    }

    /// The learned parameters, unconstrained as in [`Loss::initial_parameters`]; none for most losses.
    pub fn parameters(&self) -> Option<Tensor<1>> {
        self.parameters.as_ref().map(Param::val)
    }

    /// The mean loss of a batch, `[1]`.
    ///
    /// # Shapes
    /// - `logits`: `[n, classes]`
    /// - `targets`: `[n]`, classes from 0
    ///
    /// # Errors
    /// [`VisionError::Loss`] if shapes differ, a target is not a class or a logit is not finite;
    /// [`VisionError::Device`] if the device fails.
    pub fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Result<Tensor<1>, VisionError> {
        self.weighted(logits, targets, None)
    }

    /// The weighted mean loss of a batch, with one weight per sample.
    ///
    /// # Shapes
    /// - `logits`: `[n, classes]`
    /// - `targets`, `weights`: `[n]`
    ///
    /// # Errors
    /// As [`Criterion::forward`], and if a weight is negative or not finite or all are 0.
    pub fn forward_weighted(
        &self,
        logits: Tensor<2>,
        targets: Tensor<1, Int>,
        weights: &[f32],
    ) -> Result<Tensor<1>, VisionError> {
        self.weighted(logits, targets, Some(weights))
    }

    fn weighted(
        &self,
        logits: Tensor<2>,
        targets: Tensor<1, Int>,
        weights: Option<&[f32]>,
    ) -> Result<Tensor<1>, VisionError> {
        let (device, [n, n_classes]) = (logits.device(), logits.dims());
        let values: Vec<f32> = logits.clone().detach().try_into_vec_as()?;
        let labels = labels(targets)?;
        let parameters: Option<Vec<f32>> =
            self.parameters().map(|parameters| parameters.detach().try_into_vec_as()).transpose()?;
        let mut gradient = vec![0.0; values.len()];
        let parameters = parameters.unwrap_or_default();
        let samples = Samples::mean(Logits::new(&values, n_classes)?, &labels, weights)?;
        let sum = self.loss.0.evaluate_samples(samples, &parameters, &mut gradient)?;

        let options = (&device, logits.dtype());
        let slope = Tensor::<2>::from_data(TensorData::new(gradient, [n, n_classes]), options);
        let mut loss = Tensor::<1>::from_data([sum.value], options) + with_slope(logits, slope);
        if let Some(parameters) = self.parameters() {
            let [count] = parameters.dims();
            let slope = Tensor::from_floats(&sum.parameters[..count], &device);
            loss = loss + with_slope(parameters, slope);
        }
        Ok(loss)
    }
}

/// Exactly 0, with the given slope with respect to the tensor.
fn with_slope<const D: usize>(tensor: Tensor<D>, slope: Tensor<D>) -> Tensor<1> {
    ((tensor.clone() - tensor.detach()) * slope).sum()
}

/// Targets as `exact-core` takes them; what is not a label at all becomes one that is out of range.
fn labels(targets: Tensor<1, Int>) -> Result<Vec<u32>, VisionError> {
    let targets: Vec<i64> = targets.try_into_vec_as()?;
    Ok(targets.into_iter().map(|target| u32::try_from(target).unwrap_or(u32::MAX)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::module::Module;
    use burn::tensor::{Device, Int, Tensor};
    use exact_core::loss::{
        BetaBernoulli, CrossEntropy, Exact, ExpectedCost, Focal, Hinge, Logits, Loss, LossError, MacroF1,
        OnRandomScores, Poly1, Polynomial, Probit, Samples, Sigmoid, TopK,
    };

    use super::Criterion;
    use crate::VisionError;

    const N_CLASSES: usize = 3;
    const LOGITS: [f32; 12] = [0.3, -1.2, 2.0, 0.7, 0.1, -0.4, 1.9, -2.2, 0.6, -0.5, 0.4, 0.0];
    const LABELS: [u32; 4] = [2, 1, 0, 1];

    fn device() -> Device {
        Device::default().autodiff()
    }

    fn batch() -> (Tensor<2>, Tensor<1, Int>) {
        let device = device();
        let logits = Tensor::<1>::from_floats(LOGITS, &device).reshape([4, N_CLASSES]).detach();
        (logits.require_grad(), Tensor::from_data(LABELS.map(i64::from), &device))
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    /// What exact-core says: value, gradient and derivatives with respect to the parameters.
    fn reference(loss: &impl Loss<f32>, weights: Option<&[f32]>) -> (f32, Vec<f32>, Vec<f32>) {
        let samples = Samples::mean(Logits::new(&LOGITS, N_CLASSES).unwrap(), &LABELS, weights).unwrap();
        let (mut gradient, parameters) = ([0.0; 12], loss.initial_parameters());
        let sum = loss.evaluate_samples(samples, &parameters, &mut gradient).unwrap();
        (sum.value, gradient.to_vec(), sum.parameters[..parameters.len()].to_vec())
    }

    fn check(loss: &(impl Loss<f32> + Clone + 'static)) {
        for weights in [None, Some([1.0, 0.0, 2.5, 0.5].as_slice())] {
            let (value, gradient, slopes) = reference(loss, weights);
            let criterion = Criterion::new(Arc::new(loss.clone()), &device());
            let (logits, targets) = batch();
            let result = match weights {
                None => criterion.forward(logits.clone(), targets),
                Some(weights) => criterion.forward_weighted(logits.clone(), targets, weights),
            };
            let result = result.unwrap();
            assert_eq!(values(result.clone()), [value], "{}", loss.name());
            let gradients = result.backward();
            assert_eq!(values(logits.grad(&gradients).unwrap()), gradient, "{}", loss.name());
            let parameters = criterion.parameters();
            let found = parameters.map_or(Vec::new(), |p| values(p.grad(&gradients).unwrap()));
            assert_eq!(found, slopes, "{}", loss.name());
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_exact_core() {
        check(&Exact::new(0.5).unwrap().with_margin(1.0).unwrap());
        check(&Exact::new(0.5).unwrap().with_learned_sigma());
        check(&Probit::new(0.5).unwrap().with_learned_sigma());
        check(&TopK::new(2, 0.5).unwrap().with_learned_sigma());
        check(&ExpectedCost::new(&[0.0, 1.0, 4.0, 2.0, 0.0, 1.0, 3.0, 1.0, 0.0], 3, 0.5).unwrap());
        check(&MacroF1::new(0.5).unwrap().with_learned_sigma());
        check(&CrossEntropy::with_label_smoothing(0.1).unwrap());
        check(&Focal::new(2.0).unwrap());
        check(&Hinge::new(1.0).unwrap());
        check(&Sigmoid::new(0.5).unwrap());
        check(&BetaBernoulli::new(0.5).unwrap());
        check(&Polynomial::new(0.5).unwrap());
        check(&Poly1::new(1.0).unwrap());
    }

    #[test]
    fn the_gradient_flows_on_to_what_made_the_logits() {
        let (gradient, device) = (reference(&Exact::new(0.5).unwrap(), None).1, device());
        let scale = Tensor::<1>::from_floats([1.0], &device).require_grad();
        let (logits, targets) = batch();
        let scaled = logits.detach() * scale.clone().unsqueeze();
        let loss =
            Criterion::new(Arc::new(Exact::new(0.5).unwrap()), &device).forward(scaled, targets).unwrap();
        let expected: f32 = gradient.iter().zip(LOGITS).map(|(slope, logit)| slope * logit).sum();
        let found = values(scale.grad(&(loss * 3.0).backward()).unwrap())[0];
        assert!((found - 3.0 * expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn the_value_of_huge_logits_is_exact() {
        let device = device();
        let logits = Tensor::<2>::from_floats([[3e38, -3e38]], &device).require_grad();
        let criterion = Criterion::new(Arc::new(Hinge::new(1.0).unwrap()), &device);
        let loss = criterion.forward(logits, Tensor::from_data([0], &device)).unwrap();
        assert_eq!(values(loss), [0.0]);
    }

    #[test]
    fn sigma_is_learned_and_kept_when_the_loss_changes() {
        let device = device();
        let criterion = Criterion::new(Arc::new(Exact::new(2.0).unwrap().with_learned_sigma()), &device);
        assert_eq!(criterion.num_params(), 1);
        assert_eq!(values(criterion.parameters().unwrap()), [2_f32.ln()]);
        let other = criterion.with_loss(Arc::new(Probit::new(1.0).unwrap().with_learned_sigma()));
        assert_eq!(values(other.parameters().unwrap()), [2_f32.ln()]);
        let (logits, targets) = batch();
        let found = values(other.forward(logits, targets).unwrap())[0];
        let expected = reference(&Probit::new(2.0).unwrap().with_learned_sigma(), None).0;
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn without_autodiff_there_is_the_value_alone() {
        let device = Device::default();
        let logits = Tensor::<2>::from_floats([[1.0, 0.0]], &device);
        let criterion = Criterion::new(Arc::new(CrossEntropy::new()), &device);
        let loss = values(criterion.forward(logits, Tensor::from_data([0], &device)).unwrap())[0];
        assert!((loss - 0.313_261_7).abs() < 1e-6, "{loss}");
    }

    #[test]
    fn batches_that_do_not_fit_are_errors() {
        let device = Device::default();
        let criterion = Criterion::new(Arc::new(CrossEntropy::new()), &device);
        let evaluate = |logits: [[f32; 2]; 1], targets: &[i64]| {
            criterion.forward(Tensor::from_data(logits, &device), Tensor::from_data(targets, &device))
        };
        let error = |logits, targets| match evaluate(logits, targets) {
            Err(VisionError::Loss(error)) => error,
            other => panic!("{other:?}"),
        };
        let label = |label| LossError::Label { row: 0, label, n_classes: 2 };
        assert_eq!(error([[1.0, 0.0]], &[2]), label(2));
        assert_eq!(error([[1.0, 0.0]], &[-1]), label(u32::MAX));
        let length = LossError::SamplesLength { what: "labels", found: 2, expected: 1 };
        assert_eq!(error([[1.0, 0.0]], &[0, 1]), length);
        assert!(matches!(error([[f32::NAN, 0.0]], &[0]), LossError::Logit { row: 0, class: 0, .. }));
    }
}
