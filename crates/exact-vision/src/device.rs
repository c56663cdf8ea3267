//! The device that networks are trained and used on.

use std::env;

use burn::tensor::Device;

use crate::VisionError;

/// The variable in which Burn looks for the name of a device.
const VARIABLE: &str = "BURN_DEVICE";

/// The devices that this build has, by the names of their features, and the processor.
const DEVICES: &[&str] = &[
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "metal")]
    "metal",
    #[cfg(feature = "vulkan")]
    "vulkan",
    #[cfg(feature = "wgpu")]
    "wgpu",
    "flex",
];

/// The device that the environment variable `BURN_DEVICE` names: `cuda`, `metal`, `vulkan` or `wgpu`, each if
/// the feature of that name is on, or `flex`, the processor. Without the variable it is the first of them
/// that this build has.
///
/// # Errors
/// [`VisionError::UnknownDevice`] if this build has no such device.
///
/// # Example
/// ```
/// use exact_vision::models::Architecture;
/// use exact_vision::{ImageShape, default_device};
///
/// let images = ImageShape { channels: 1, height: 28, width: 28 };
/// let network = "m3".parse::<Architecture>()?.init(images, 10, 0, &default_device()?)?;
/// # Ok::<(), exact_vision::VisionError>(())
/// ```
pub fn default_device() -> Result<Device, VisionError> {
    if let Some(name) = env::var_os(VARIABLE) {
        check(&name.to_string_lossy())?;
    }
    Ok(Device::default())
}

/// Burn panics where it has no such device.
fn check(name: &str) -> Result<(), VisionError> {
    if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(VisionError::UnknownDevice { variable: VARIABLE, name: name.into(), devices: DEVICES })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn devices_are_known_by_name() {
        check("flex").unwrap();
        check("Flex").unwrap();
        let error = check("abacus").unwrap_err();
        assert!(error.to_string().starts_with("BURN_DEVICE names `abacus`, but"), "{error}");
    }
}
