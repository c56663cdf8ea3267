//! Random starting weights.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use exact_core::random::stream;
use rand_distr::{Distribution, Normal, Uniform};

/// Draws the weights of a network anew: of convolutions, `[out, in, height, width]`, from `N(0, 2 / fan_out)`
/// with `fan_out = out height width`, of linear layers, `[in, out]`, from `U(-1/√in, 1/√in)`. Vectors (biases
/// and what normalisation is scaled by) stay as they are.
///
/// Each weight has a random stream of its own, so the same seed gives the same network on every device.
///
/// # References
/// He, Zhang, Ren and Sun, *Delving Deep into Rectifiers*, arXiv 1502.01852, section 2.2, which is what wide
/// residual networks and residual networks start from.
pub(super) fn initialize<M: Module>(network: M, seed: u64) -> M {
    network.map(&mut Initialization { seed, next_stream: 0 })
}

struct Initialization {
    seed: u64,
    next_stream: u64,
}

impl Initialization {
    fn draw<const D: usize>(&mut self, shape: [usize; D]) -> Option<Vec<f32>> {
        let random = stream(self.seed, self.next_stream);
        self.next_stream += 1;
        let count = shape.iter().product();
        match shape.as_slice() {
            [out, _, height, width] => {
                let deviation = (2.0 / (out * height * width) as f32).sqrt();
                let normal = Normal::new(0.0, deviation).expect("a convolution has outputs and a kernel");
                Some(normal.sample_iter(random).take(count).collect())
            }
            [inputs, _] => {
                let bound = 1.0 / (*inputs as f32).sqrt();
                let uniform = Uniform::new_inclusive(-bound, bound).expect("a linear layer has inputs");
                Some(uniform.sample_iter(random).take(count).collect())
            }
            _ => None,
        }
    }
}

impl ModuleMapper for Initialization {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.draw(param.lazy_shape().dims::<D>()) else {
            return param;
        };
        param.map(|tensor| {
            let drawn = Tensor::from_data(TensorData::new(values, tensor.shape()), &tensor.device());
            drawn.set_require_grad(tensor.is_require_grad())
        })
    }
}
