//! The expected logits are those of torchvision's networks, or of that of `reference.py`, with the same parameters in double precision.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use exact_images::{ChannelStatistics, ImageSize};
use safetensors::tensor::{Dtype, TensorView};

use crate::models::Architecture;
use crate::{ImageClassifier, VisionError};

/// Numbers in [0, 1) that depend on a name, as `NumPy` makes them from 32-bit integers.
fn uniform(name: &str, count: usize) -> Vec<f64> {
    let hash = name.bytes().zip(1..).fold(0_u32, |sum, (byte, at)| sum + u32::from(byte) * at);
    let mix = |at: u32| {
        let mut x = at.wrapping_add(hash.wrapping_mul(0x0100_0193)).wrapping_mul(0x9e37_79b1);
        x ^= x >> 15;
        x = x.wrapping_mul(0x85eb_ca77);
        f64::from(x ^ (x >> 13)) / 2_f64.powi(32)
    };
    (0..count as u32).map(mix).collect()
}

/// The parameters of torchvision's network with five classes, by name and shape.
fn parameters(counts: [usize; 4], bottleneck: bool) -> BTreeMap<String, Vec<usize>> {
    let mut all = BTreeMap::new();
    let mut layer = |convolution: String, norm: String, shape: [usize; 4]| {
        all.insert(format!("{convolution}.weight"), shape.to_vec());
        for field in ["weight", "bias", "running_mean", "running_var"] {
            all.insert(format!("{norm}.{field}"), vec![shape[0]]);
        }
    };
    layer("conv1".into(), "bn1".into(), [64, 3, 7, 7]);
    let mut inputs = 64;
    for (group, count) in counts.into_iter().enumerate() {
        let width = 64 << group;
        let outputs = if bottleneck { 4 * width } else { width };
        for block in 0..count {
            let name = format!("layer{}.{block}", group + 1);
            let shapes = if bottleneck {
                vec![[width, inputs, 1, 1], [width, width, 3, 3], [outputs, width, 1, 1]]
            } else {
                vec![[width, inputs, 3, 3], [width, width, 3, 3]]
            };
            for (shape, at) in shapes.into_iter().zip(1..) {
                layer(format!("{name}.conv{at}"), format!("{name}.bn{at}"), shape);
            }
            if block == 0 && (group > 0 || bottleneck) {
                let shape = [outputs, inputs, 1, 1];
                layer(format!("{name}.downsample.0"), format!("{name}.downsample.1"), shape);
            }
            inputs = outputs;
        }
    }
    all.insert("fc.weight".into(), vec![5, inputs]);
    all.insert("fc.bias".into(), vec![5]);
    all
}

fn values(name: &str, shape: &[usize]) -> Vec<f32> {
    let scale = match *shape {
        [_, channels, height, width] => (6.0 / (channels * height * width) as f64).sqrt(),
        [_, features] => 1.0 / (features as f64).sqrt(),
        _ => 0.1,
    };
    let positive = shape.len() == 1 && (name.ends_with("running_var") || name.ends_with("weight"));
    let value = |u: f64| if positive { 0.5 + u } else { (2.0 * u - 1.0) * scale };
    uniform(name, shape.iter().product()).into_iter().map(|u| value(u) as f32).collect()
}

/// A file of these parameters, and of one that `PyTorch` adds.
fn write(path: &Path, parameters: &BTreeMap<String, Vec<usize>>) {
    let bytes: HashMap<&String, Vec<u8>> = parameters
        .iter()
        .map(|(name, shape)| (name, values(name, shape).iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let mut views: BTreeMap<&str, TensorView<'_>> = parameters
        .iter()
        .map(|(name, shape)| {
            (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), &bytes[name]).unwrap())
        })
        .collect();
    views.insert("bn1.num_batches_tracked", TensorView::new(Dtype::I64, Vec::new(), &[0; 8]).unwrap());
    fs::write(path, safetensors::serialize(&views, None).unwrap()).unwrap();
}

const PHOTOGRAPH: ImageSize = ImageSize { height: 70, width: 66 };
const SMALL: ImageSize = ImageSize { height: 32, width: 32 };

fn import(path: &Path, model: &str, size: ImageSize) -> Result<ImageClassifier, VisionError> {
    ImageClassifier::from_pytorch(path, model.parse().unwrap(), size, None, None, &Device::default())
}

/// Checks the logits of images that are already normalised, `[2, 3, height, width]`.
fn check_logits(classifier: &ImageClassifier, images: Vec<f32>, expected: &[f64]) {
    let ImageSize { height, width } = classifier.image_size();
    let images = Tensor::from_data(TensorData::new(images, [2, 3, height, width]), &Device::default());
    let logits: Vec<f32> = classifier.network.valid().forward(images).into_data().try_to_vec().unwrap();
    assert_eq!(logits.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest: f64, logit| largest.max(logit.abs()));
    for (logit, expected) in logits.iter().zip(expected) {
        assert!((f64::from(*logit) - expected).abs() < 1e-5 * largest, "{logits:?}");
    }
}

#[test]
fn residual_networks_have_the_logits_of_torchvision() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    for (model, counts, bottleneck, expected) in [
        (
            "resnet-18",
            [2, 2, 2, 2],
            false,
            [0.4828, -14.6326, 5.8743, -12.3025, -8.5095, -0.0538, -15.1341, 6.7372, -13.9474, -7.9540],
        ),
        (
            "resnet-50",
            [3, 4, 6, 3],
            true,
            [
                -1699.6869, 452.3174, 745.0127, -1014.0429, 1128.2501, -1716.8537, 401.2389, 733.5096,
                -947.7384, 1136.0381,
            ],
        ),
    ] {
        write(&path, &parameters(counts, bottleneck));
        let classifier = import(&path, model, PHOTOGRAPH).unwrap();
        assert_eq!(classifier.class_names(), ["0", "1", "2", "3", "4"]);
        let images = uniform("input", 2 * 3 * 70 * 66).iter().map(|u| (2.0 * u - 1.0) as f32).collect();
        check_logits(&classifier, images, &expected);
    }
}

/// A checkpoint that `reference.py` wrote with `PyTorch`.
fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pytorch").join(name)
}

/// The images of `reference.py`.
fn images(size: ImageSize) -> Vec<f32> {
    let pixel = |at: u64| ((at * at * 7 + at * 13) % 251) as f32 / 125.0 - 1.0;
    (0..(6 * size.height * size.width) as u64).map(pixel).collect()
}

/// The weights are below `state_dict.module`, beside a state of the optimiser.
#[test]
fn wide_residual_networks_have_the_logits_of_pytorch() {
    let classifier = import(&bundled("wrn-10-2.pth"), "wrn-10-2", SMALL).unwrap();
    let expected = [
        329.223_876,
        206.039_866,
        394.563_706,
        278.285_747,
        328.352_073,
        206.291_846,
        393.151_736,
        277.205_344,
    ];
    check_logits(&classifier, images(SMALL), &expected);
}

#[test]
fn vgg_networks_have_the_logits_of_torchvision() {
    let classifier = import(&bundled("vgg-11.pt"), "vgg-11", PHOTOGRAPH).unwrap();
    let expected = [-1590.5237, -1422.4750, -1462.7663, -1592.7659, -1421.1547, -1465.3088];
    check_logits(&classifier, images(PHOTOGRAPH), &expected);
}

fn problem(path: &Path, model: &str, size: ImageSize) -> String {
    import(path, model, size).unwrap_err().to_string()
}

#[test]
fn other_weights_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    assert!(matches!(import(&path, "resnet-18", PHOTOGRAPH), Err(VisionError::Read { .. })));
    let whole = parameters([2, 2, 2, 2], false);
    write(&path, &whole);
    let named = ImageClassifier::from_pytorch(
        &path,
        Architecture::ResNet { depth: 18 },
        PHOTOGRAPH,
        None,
        Some(vec!["cat".into()]),
        &Device::default(),
    );
    assert!(named.unwrap_err().to_string().ends_with("it has 5 classes, there are 1 names"));
    assert!(problem(&path, "resnet-34", PHOTOGRAPH).contains("it has no tensor 'layer1.2.conv1.weight'"));
    assert!(problem(&path, "vgg-16", PHOTOGRAPH).contains("it has no tensor 'classifier.6.weight'"));
    assert!(problem(&path, "m3", PHOTOGRAPH).contains("m3 with weights of PyTorch"));
    assert!(matches!(import(&path, "resnet-18", SMALL), Err(VisionError::InputSize { smallest: 65, .. })));
    let mut more = whole.clone();
    more.insert("layer1.0.se.weight".into(), vec![1]);
    write(&path, &more);
    assert!(problem(&path, "resnet-18", PHOTOGRAPH).contains("'layer1.0.se.weight' is not of resnet-18"));
    let mut two = whole.clone();
    two.insert("average.fc.weight".into(), vec![5, 512]);
    write(&path, &two);
    let found = problem(&path, "resnet-18", PHOTOGRAPH);
    assert!(
        found.contains("several networks: it has a tensor 'fc.weight' and 'average.fc.weight'"),
        "{found}"
    );
    let mut other = whole;
    other.insert("conv1.weight".into(), vec![64, 3, 3, 3]);
    write(&path, &other);
    assert!(problem(&path, "resnet-18", PHOTOGRAPH).contains("shape [64, 3, 3, 3], expected [64, 3, 7, 7]"));

    let checkpoint = bundled("wrn-10-2.pth");
    assert!(problem(&checkpoint, "wrn-16-2", SMALL).contains("no tensor 'block1.layer.1.bn1.weight'"));
    assert!(problem(&checkpoint, "wrn-10-4", SMALL).contains("shape [32], expected [64]"));
    assert!(problem(&checkpoint, "wrn-10-1", SMALL).contains("is not of wrn-10-1"));
}

#[test]
fn images_are_normalised_as_is_usual_or_asked_for() {
    let checkpoint = bundled("wrn-10-2.pth");
    let statistics = ChannelStatistics { mean: vec![0.5; 3], std: vec![0.25; 3] };
    let of = |statistics| {
        let (model, device) = ("wrn-10-2".parse().unwrap(), Device::default());
        ImageClassifier::from_pytorch(&checkpoint, model, SMALL, statistics, None, &device)
    };
    assert_eq!(of(Some(statistics.clone())).unwrap().description.statistics, statistics);
    // 125.3 / 255.
    assert!((of(None).unwrap().description.statistics.mean[0] - 0.491_372_5).abs() < 1e-7);
    for wrong in [
        ChannelStatistics { mean: vec![0.5], std: vec![0.25; 3] },
        ChannelStatistics { mean: vec![0.5; 3], std: vec![0.25, 0.0, 0.25] },
        ChannelStatistics { mean: vec![0.5, f64::NAN, 0.5], std: vec![0.25; 3] },
    ] {
        assert!(matches!(of(Some(wrong)), Err(VisionError::Statistics)));
    }
}

/// Nothing that a pickle asks for is run, and nothing that is wrong with a file is more than an error.
#[test]
fn damaged_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pth");
    let of = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        import(&path, "wrn-10-2", SMALL)
    };
    let problem = |bytes: &[u8]| of(bytes).unwrap_err().to_string();
    let whole = fs::read(bundled("wrn-10-2.pth")).unwrap();
    for length in (0..whole.len()).step_by(997) {
        let found = problem(&whole[..length]);
        assert!(found.contains("neither a whole safetensors file nor a checkpoint"), "{length}: {found}");
    }
    // Where one byte is another, the checksum of its part of the file tells, or nothing of the network is.
    for at in (0..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        if let Err(error) = of(&damaged) {
            assert!(matches!(error, VisionError::File { .. }), "{at}: {error}");
        }
    }
    let marker = folder.path().join("marker");
    let command = format!("touch {}", marker.display());
    let call = [
        b"\x80\x02cposix\nsystem\nX".as_slice(),
        &(command.len() as u32).to_le_bytes(),
        command.as_bytes(),
        b"\x85R.",
    ];
    for bytes in [call.concat().as_slice(), b"\x80\x02\xfe.", b"\x80\x02}.", b"pickle", b"{\"json\": 1}", b""]
    {
        let found = problem(bytes);
        assert!(found.contains("damaged.pth cannot be used: it "), "{found}");
    }
    assert!(!marker.exists());
    let mut cut = 40_u64.to_le_bytes().to_vec();
    cut.extend(b"{\"a\"");
    assert!(problem(&cut).contains("it is not a whole safetensors file"));
}
