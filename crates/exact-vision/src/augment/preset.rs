//! Augmentation by name, for people who do not want to think about it.

use std::fmt;
use std::str::FromStr;

use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Transform;
use crate::models::Architecture;
use crate::{ImageShape, VisionError};

/// How much training images are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Not at all.
    None,
    /// They are moved by a few pixels, which leaves digits and letters what they are.
    Light,
    /// They are moved further, and left and right are swapped: for photographs.
    Standard,
    /// Beside that, two changes of colour or geometry at random, and a square that is blackened: for many
    /// epochs.
    Strong,
}

impl Preset {
    const ALL: [Self; 4] = [Self::None, Self::Light, Self::Standard, Self::Strong];

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Standard => "standard",
            Self::Strong => "strong",
        }
    }

    /// That of a recipe which does not say. The small network has too few weights to learn its images by
    /// heart, and images that change keep it from learning them at all; left and right of grey images, which
    /// may be writing, are not swapped.
    pub fn of(model: Architecture, shape: ImageShape) -> Self {
        match (model, shape.channels) {
            (Architecture::SmallCnn, _) => Self::None,
            (_, 1) => Self::Light,
            _ => Self::Standard,
        }
    }

    /// The changes, in shares of the shorter side.
    pub fn transforms(self, shape: ImageShape) -> Vec<Transform> {
        let share = |of: usize| (shape.height.min(shape.width) / of).max(1);
        let standard = [Transform::Crop { padding: share(8) }, Transform::Flip];
        match self {
            Self::None => Vec::new(),
            Self::Light => vec![Transform::Crop { padding: share(14) }],
            Self::Standard => standard.into(),
            Self::Strong => {
                let changes = Transform::RandAugment { operations: 2, magnitude: 9 };
                [&standard[..], &[changes, Transform::Cutout { size: share(4) }]].concat()
            }
        }
    }
}

impl FromStr for Preset {
    type Err = VisionError;

    fn from_str(name: &str) -> Result<Self, VisionError> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| VisionError::Preset { name: name.into() })
    }
}

/// How training images are changed: a preset by its name, or a list of changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AugmentationSetting {
    /// What the preset does to images of their shape.
    Preset(Preset),
    /// These changes, one after the other.
    Transforms(Vec<Transform>),
}

impl<'de> Deserialize<'de> for AugmentationSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrList)
    }
}

struct NameOrList;

impl<'de> Visitor<'de> for NameOrList {
    type Value = AugmentationSetting;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("none, light, standard, strong or a list of changes")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Preset::deserialize(StrDeserializer::new(name)).map(AugmentationSetting::Preset)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(AugmentationSetting::Transforms)
    }
}

#[cfg(test)]
mod tests {
    use super::{AugmentationSetting, Preset, Transform};
    use crate::{ImageShape, Recipe, VisionError};

    #[test]
    fn presets_are_chosen_by_the_network_and_the_images() {
        let grey = ImageShape { channels: 1, height: 28, width: 30 };
        let photo = ImageShape { channels: 3, height: 224, width: 300 };
        let chosen = |model: &str, shape| Preset::of(model.parse().unwrap(), shape);
        assert_eq!([chosen("m3", grey), chosen("resnet-18", photo)], [Preset::Light, Preset::Standard]);
        assert_eq!(chosen("small-cnn", photo), Preset::None);
        assert_eq!(Preset::Light.transforms(grey), [Transform::Crop { padding: 2 }]);
        assert_eq!(Preset::Standard.transforms(photo), [Transform::Crop { padding: 28 }, Transform::Flip]);
        // Even of one pixel, what is left is usable.
        let smallest = ImageShape { channels: 3, height: 1, width: 1 };
        for preset in Preset::ALL {
            let changes = preset.transforms(smallest);
            assert!(changes.iter().all(|change| change.check().is_ok()), "{preset:?}");
            assert_eq!(preset.name().parse::<Preset>().unwrap(), preset);
        }
    }

    #[test]
    fn a_recipe_names_a_preset_or_lists_changes() {
        let augmentation = |text: &str| {
            let recipe = Recipe::from_toml(&format!("model = \"m3\"\naugmentation = {text}"))?;
            assert_eq!(Recipe::from_toml(&recipe.to_toml()?)?, recipe);
            Ok(recipe.augmentation)
        };
        let preset = AugmentationSetting::Preset(Preset::Strong);
        assert_eq!(augmentation("\"strong\"").unwrap(), Some(preset));
        let list = AugmentationSetting::Transforms(vec![Transform::Flip]);
        assert_eq!(augmentation("[\"flip\"]").unwrap(), Some(list));
        for (text, expected) in [
            ("\"strongest\"", "`strongest`, expected one of `none`, `light`, `standard`, `strong`"),
            ("[\"flop\"]", "`flop`"),
            ("3", "none, light, standard, strong or a list of changes"),
        ] {
            let error: VisionError = augmentation(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
