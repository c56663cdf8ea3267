use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use exact_core::Link;
use exact_eval::accuracy;
use exact_eval::record::{EpochRecord, TrainingRecord};
use exact_images::{ImageSize, Images};
use rand::RngExt as _;

use super::Trainer;
use crate::augment::{AugmentationSetting, Purpose, Transform, stream};
use crate::file::Tensors;
use crate::{Freeze, ImageClassifier, LearningRate, Recipe, VisionError};

/// Grey images of 12 x 12 pixels with a bright bar on dark noise: upright, lying or, as the third class,
/// none.
fn bars(n: usize, seed: u64) -> Images {
    let mut random = stream(seed, Purpose::Order, 0, 0);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for sample in 0..n {
        let class = (sample % 3) as u32;
        let place = random.random_range(2..10);
        for at in 0..144 {
            let bright = match class {
                0 => at % 12 == place,
                1 => at / 12 == place,
                _ => false,
            };
            pixels.push(if bright { 200 } else { random.random_range(0..150) });
        }
        labels.push(class);
    }
    let names = ["upright", "lying", "none"].map(String::from).to_vec();
    Images::new(pixels, 1, ImageSize { height: 12, width: 12 }, labels, names).unwrap()
}

fn trainer(images: &Images, recipe: &Recipe, folder: &Path) -> Trainer {
    Trainer::new(images, recipe.clone(), folder, &Device::default()).unwrap()
}

fn go_on(_: &EpochRecord) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Ends training after an epoch, as a kill between two epochs does.
fn until(epoch: usize) -> impl FnMut(&EpochRecord) -> ControlFlow<()> {
    move |record| if record.epoch == epoch { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn recipe(text: &str) -> Recipe {
    Recipe::from_toml(&format!("model = \"small-cnn\"\nbatch-size = 20\n{text}")).unwrap()
}

#[test]
fn every_metric_is_learned() {
    let (images, test) = (bars(300, 0), bars(150, 1));
    for loss in [
        "{ name = \"cross-entropy\" }",
        "{ name = \"exact\" }",
        // A learned sigma shrinks without end where classes can be told apart, and the rate has to as well.
        "{ name = \"exact\", learned-sigma = true, first-sigma = 1.0 }
        learning-rate = { shape = \"geometric\" }",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(&format!("epochs = 12\nloss = {loss}"));
        let trainer = trainer(&images, &recipe, folder.path());
        let record = trainer.run(go_on).unwrap();
        assert_eq!((record.train_images, record.validation_images, record.epochs.len()), (240, 60, 12));
        let classifier = ImageClassifier::load(&trainer.model_path(), &Device::default()).unwrap();
        let predictions = classifier.predict(&test).unwrap();
        let accuracy = accuracy(test.labels(), &predictions.classes, None).unwrap();
        assert!(accuracy >= 0.95, "{loss}: {accuracy} {record:?}");
        let expects = |epoch: &EpochRecord| epoch.expected_validation_accuracy.is_some();
        assert_eq!(
            record.epochs.iter().filter(|epoch| expects(epoch)).count(),
            if loss.contains("exact") { 12 } else { 0 }
        );
        // Sigma is 10 in the first epoch and below 2 in the last: expectation comes near to accuracy.
        if let Some(expected) = record.epochs[11].expected_validation_accuracy {
            let first = record.epochs[0].expected_validation_accuracy.unwrap();
            assert!(0.0 < first && first < expected && expected < 1.0, "{loss}: {record:?}");
        }
        let best = record.best().unwrap();
        let worse = |epoch: &EpochRecord| epoch.validation_accuracy <= best.validation_accuracy;
        assert!(record.epochs.iter().all(worse) && best.validation_accuracy >= 0.95, "{loss}: {record:?}");
    }
}

#[test]
fn an_interrupted_run_ends_as_an_uninterrupted_one() {
    let images = bars(90, 0);
    for recipe in [
        recipe(
            "epochs = 4\nmixup = 0.4\naugmentation = [\"flip\", { crop = { padding = 1 } }]
            loss = { name = \"exact\", learned-sigma = true }
            optimizer = { sharpness = { asam = { rho = 0.5 } } }",
        ),
        recipe(
            "epochs = 4\noptimizer = { algorithm = \"adam\" }\nlearning-rate = { first = 0.01, warm-up = 3 }",
        ),
    ] {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let record = trainer(&images, &recipe, whole.path()).run(go_on).unwrap();
        let stopped = trainer(&images, &recipe, parts.path()).run(until(1)).unwrap();
        assert_eq!(stopped.epochs, record.epochs[..1]);
        // Twice, and each time as a new program.
        trainer(&images, &recipe, parts.path()).resume(until(3)).unwrap();
        let resumed = trainer(&images, &recipe, parts.path()).resume(go_on).unwrap();
        assert_eq!(resumed, record);
        let model = |folder: &Path| fs::read(folder.join("model.safetensors")).unwrap();
        assert!(model(whole.path()) == model(parts.path()));
        let weights = |folder: &Path| {
            let trainer = trainer(&images, &recipe, folder);
            let (trainee, optimizer) = trainer.trainee().unwrap();
            let recipe = recipe.clone().resolved(&images);
            let path = trainer.checkpoint_path();
            let checkpoint =
                crate::checkpoint::read(&path, &recipe, &trainer.description, trainee, optimizer).unwrap();
            crate::file::tensors_of(&checkpoint.trainee).unwrap()
        };
        assert!(weights(whole.path()) == weights(parts.path()));
    }
}

/// A classifier of bars, and the recipe that made it.
fn trained(images: &Images) -> (ImageClassifier, Recipe) {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe("epochs = 6");
    let trainer = trainer(images, &recipe, folder.path());
    trainer.run(go_on).unwrap();
    (ImageClassifier::load(&trainer.model_path(), &Device::default()).unwrap(), recipe)
}

/// The tensors of a network that is trained from another.
fn fine_tuned(images: &Images, recipe: &Recipe, start: &ImageClassifier) -> Tensors {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::default();
    let trainer =
        Trainer::fine_tuning(images, recipe.clone(), folder.path(), start.clone(), &device).unwrap();
    trainer.run(go_on).unwrap();
    let tuned = ImageClassifier::load(&trainer.model_path(), &device).unwrap();
    assert_eq!(tuned.class_names(), images.class_names());
    crate::file::tensors_of(&tuned.network).unwrap()
}

/// The bars with the classes in another order and one more, of which there are the brighter ones.
fn other_classes(images: &Images) -> Images {
    let names = ["none", "lying", "upright", "other"].map(String::from).to_vec();
    let labels = images.labels().iter().enumerate();
    let labels = labels.map(|(at, label)| if at % 5 == 4 { 3 } else { 2 - label }).collect();
    Images::new(images.pixels().to_vec(), 1, images.size(), labels, names).unwrap()
}

#[test]
fn frozen_layers_stay_as_they_are_and_others_move() {
    let images = bars(150, 0);
    let (start, plain) = trained(&images);
    let before = crate::file::tensors_of(&start.network).unwrap();
    let others = other_classes(&images);
    let names = |of: &str| before.keys().filter(|name| name.starts_with(of)).cloned().collect::<Vec<_>>();
    for (freeze, frozen) in [
        (Freeze::First(0), vec![]),
        (Freeze::First(2), vec!["convolutions"]),
        (Freeze::All, vec!["convolutions", "linear"]),
    ] {
        let recipe = Recipe { epochs: 1, freeze: Some(freeze), ..plain.clone() };
        let after = fine_tuned(&others, &recipe, &start);
        for of in ["convolutions", "linear"] {
            let names = names(&format!("SmallCnn.{of}"));
            assert_eq!(names.len(), 4);
            for name in names {
                assert_eq!(after[&name] == before[&name], frozen.contains(&of), "{freeze}: {name}");
            }
        }
        assert_eq!(after["SmallCnn.head.weight"].shape, [84, 4]);
    }
    let many = Recipe { freeze: Some(Freeze::First(5)), ..plain.clone() };
    let folder = tempfile::tempdir().unwrap();
    let error = Trainer::fine_tuning(&others, many.clone(), folder.path(), start, &Device::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("5 layers are to be frozen, the network has 4 before the last"), "{error}");
    // There is nothing to freeze where weights are random.
    let error = Trainer::new(&others, many, folder.path(), &Device::default());
    assert!(matches!(error, Err(VisionError::Recipe { .. })));
}

#[test]
fn the_head_is_kept_where_the_classes_are_the_same() {
    let images = bars(150, 0);
    let (start, plain) = trained(&images);
    let slow = LearningRate { first: 1e-9, last: 1e-9, ..plain.learning_rate.clone() };
    let recipe = Recipe { epochs: 1, learning_rate: slow, ..plain };
    let near = |a: &Tensors, b: &Tensors, name: &str| {
        a[name].floats().iter().zip(b[name].floats()).all(|(a, b)| (a - b).abs() < 1e-5)
    };
    let before = crate::file::tensors_of(&start.network).unwrap();
    let after = fine_tuned(&images, &recipe, &start);
    assert!(before.keys().all(|name| near(&before, &after, name)));
    let renamed = |at: usize, name: &String| if at == 0 { "vertical".into() } else { name.clone() };
    let names = images.class_names().iter().enumerate().map(|(at, name)| renamed(at, name)).collect();
    let (pixels, labels) = (images.pixels().to_vec(), images.labels().to_vec());
    let others = Images::new(pixels, 1, images.size(), labels, names).unwrap();
    let after = fine_tuned(&others, &recipe, &start);
    assert!(near(&before, &after, "SmallCnn.linear.1.weight"));
    assert!(!near(&before, &after, "SmallCnn.head.weight"));
}

#[test]
fn a_start_that_does_not_fit_is_refused() {
    let images = bars(60, 0);
    let (start, plain) = trained(&images);
    let folder = tempfile::tempdir().unwrap();
    let begin = |images: &Images, recipe: Recipe| {
        Trainer::fine_tuning(images, recipe, folder.path(), start.clone(), &Device::default())
    };
    let size = ImageSize { height: 16, width: 12 };
    let (labels, names) = (images.labels().to_vec(), images.class_names().to_vec());
    let larger = Images::new(vec![0; 60 * 16 * 12], 1, size, labels, names).unwrap();
    assert!(matches!(begin(&larger, plain.clone()), Err(VisionError::Shape { .. })));
    let other = Recipe { model: "resnet-18".parse().unwrap(), ..plain };
    let error = begin(&images, other).unwrap_err().to_string();
    assert!(error.contains("for the network resnet-18, the one to start from is small-cnn"), "{error}");
}

#[test]
fn every_step_is_told() {
    let images = bars(60, 0);
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let trainer = trainer(&images, &recipe("epochs = 2"), folder.path())
        .watched_by(move |step| told.lock().unwrap().push(step));
    let record = trainer.run(go_on).unwrap();
    let seen = seen.lock().unwrap();
    let numbers: Vec<_> = seen.iter().map(|step| (step.epoch, step.step, step.steps, step.images)).collect();
    assert_eq!(numbers, [(1, 1, 2, 20), (1, 2, 2, 20), (2, 1, 2, 20), (2, 2, 2, 20)]);
    assert_eq!([seen[1].loss, seen[3].loss], [record.epochs[0].loss, record.epochs[1].loss]);
}

#[test]
fn a_step_tells_how_many_images_it_has() {
    let images = bars(15, 0);
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(0));
    let told = Arc::clone(&seen);
    let trainer = trainer(&images, &recipe("epochs = 1"), folder.path())
        .watched_by(move |step| *told.lock().unwrap() = step.images);
    // A fifth of them is not trained on, and the others are fewer than a batch.
    assert_eq!(trainer.run(go_on).unwrap().train_images, 12);
    assert_eq!(*seen.lock().unwrap(), 12);
}

#[test]
fn training_stops_early_and_keeps_the_best() {
    let images = bars(60, 0);
    let folder = tempfile::tempdir().unwrap();
    // So small a rate changes nothing.
    let recipe = recipe("epochs = 9\npatience = 2\nlearning-rate = { first = 1e-9, last = 1e-9 }");
    let record = trainer(&images, &recipe, folder.path()).run(go_on).unwrap();
    assert_eq!((record.epochs.len(), record.best().unwrap().epoch), (3, 1));
    let again = trainer(&images, &recipe, folder.path()).resume(go_on).unwrap();
    assert_eq!(again, record);
}

#[test]
fn a_run_that_diverges_keeps_its_last_checkpoint() {
    let images = bars(60, 0);
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(
        "epochs = 5\nlearning-rate = { first = 1e-6, last = 1e30 }\n\
         optimizer = { gradient-scaling = \"unscaled\" }",
    );
    let trainer = trainer(&images, &recipe, folder.path());
    let mut last = 0;
    let outcome = trainer.run(|record| {
        last = record.epoch;
        ControlFlow::Continue(())
    });
    let Err(VisionError::Diverged { epoch, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(epoch, last + 1);
    assert!(last >= 1);
    // The checkpoint is that of the last whole epoch, so the same happens again.
    assert!(
        matches!(trainer.resume(go_on), Err(VisionError::Diverged { epoch: again, .. }) if again == epoch)
    );
}

/// Classes that overlap: an image of noise is called by any of two names.
#[test]
fn probabilities_come_true_and_are_stored() {
    let noisy = |n: usize, seed| {
        let images = bars(n, seed);
        let mut random = stream(seed, Purpose::Mixup, 0, 0);
        let labels =
            images.labels().iter().map(|&label| if label == 2 { random.random_range(0..3) } else { label });
        let (size, names) = (images.size(), images.class_names().to_vec());
        Images::new(images.pixels().to_vec(), 1, size, labels.collect(), names).unwrap()
    };
    let (images, test) = (noisy(1200, 0), noisy(1200, 1));
    for (loss, probit) in [("exact", true), ("cross-entropy", false)] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "epochs = 6\nvalidation-fraction = 0.5\nloss = {{ name = \"{loss}\" }}
            learning-rate = {{ shape = \"geometric\" }}"
        );
        let trainer = trainer(&images, &recipe(&text), folder.path());
        trainer.run(go_on).unwrap();
        let classifier = ImageClassifier::load(&trainer.model_path(), &Device::default()).unwrap();
        assert_eq!(matches!(classifier.link(), Link::Probit { .. }), probit, "{:?}", classifier.link());
        let predictions = classifier.predict(&test).unwrap();
        let confidences = predictions.probabilities.chunks_exact(3);
        let confidence = confidences.map(|p| p.iter().fold(0.0, |a: f64, &b| a.max(b))).sum::<f64>() / 1200.0;
        let accuracy = accuracy(test.labels(), &predictions.classes, None).unwrap();
        assert!(accuracy > 0.7, "{loss}: {accuracy}");
        assert!((confidence - accuracy).abs() < 0.05, "{loss}: {confidence} {accuracy}");
    }
}

/// Files from before there were links have plain softmax.
#[test]
fn a_model_without_a_link_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = trainer(&bars(60, 0), &recipe("epochs = 1\nloss = { name = \"exact\" }"), folder.path());
    trainer.run(go_on).unwrap();
    let path = trainer.model_path();
    let format = "exact-learn image classifier";
    let (mut contents, tensors) = crate::file::read::<serde_json::Value>(&path, format).unwrap();
    assert!(contents["link"].as_object_mut().unwrap().remove("sigma").unwrap().as_f64().unwrap() > 0.0);
    crate::file::write(&path, format, &contents, &tensors).unwrap();
    let damaged = ImageClassifier::load(&path, &Device::default()).unwrap_err();
    assert!(damaged.to_string().contains("sigma"), "{damaged}");
    contents["link"] = serde_json::json!({ "link": "probit", "sigma": 0.0 });
    crate::file::write(&path, format, &contents, &tensors).unwrap();
    let impossible = ImageClassifier::load(&path, &Device::default()).unwrap_err();
    assert!(impossible.to_string().contains("must be positive"), "{impossible}");
    contents["link"]["sigma"] = 1.0.into();
    contents["statistics"]["mean"] = serde_json::json!([]);
    crate::file::write(&path, format, &contents, &tensors).unwrap();
    let impossible = ImageClassifier::load(&path, &Device::default()).unwrap_err();
    assert!(impossible.to_string().contains("need a finite mean"), "{impossible}");
    contents["statistics"]["mean"] = serde_json::json!([0.5]);
    contents.as_object_mut().unwrap().remove("link");
    crate::file::write(&path, format, &contents, &tensors).unwrap();
    let old = ImageClassifier::load(&path, &Device::default()).unwrap();
    assert_eq!(old.link(), Link::Softmax { temperature: 1.0 });
}

fn problem(outcome: Result<TrainingRecord, VisionError>) -> String {
    match outcome {
        Err(VisionError::File { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_is_an_error() {
    let images = bars(60, 0);
    let folder = tempfile::tempdir().unwrap();
    let one = recipe("epochs = 1");
    let trainer_of = |images: &Images, recipe: &Recipe| trainer(images, recipe, folder.path());
    assert!(matches!(trainer_of(&images, &one).resume(go_on), Err(VisionError::Read { .. })));
    trainer_of(&images, &one).run(go_on).unwrap();
    assert!(matches!(trainer_of(&images, &one).run(go_on), Err(VisionError::RunExists { .. })));

    let other = Recipe { seed: 1, ..one.clone() };
    assert!(
        problem(trainer_of(&images, &other).resume(go_on)).contains("recipe") || {
            // Another seed also splits the images in another way.
            problem(trainer_of(&images, &other).resume(go_on)).contains("other images")
        }
    );
    let longer = Recipe { epochs: 2, ..one.clone() };
    assert!(problem(trainer_of(&images, &longer).resume(go_on)).contains("another recipe"));
    assert!(problem(trainer_of(&bars(60, 1), &one).resume(go_on)).contains("other images"));
    let network = Recipe { model: "resnet-18".parse().unwrap(), ..one.clone() };
    let found = problem(trainer_of(&images, &network).resume(go_on));
    assert_eq!(found, "it is of the network small-cnn, expected resnet-18");

    let path = folder.path().join("checkpoint.safetensors");
    let bytes = fs::read(&path).unwrap();
    let resume = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        problem(trainer_of(&images, &one).resume(go_on))
    };
    assert!(resume(&bytes[..bytes.len() / 2]).contains("truncated"));
    assert!(resume(b"not a checkpoint").contains("truncated"));
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(resume(&damaged).contains("checksum"));
    let version = br#"\"version\":3"#;
    let version = bytes.windows(version.len()).position(|window| window == version).unwrap();
    let mut newer = bytes.clone();
    newer[version + 12] = b'4';
    assert!(resume(&newer).contains("version"), "{}", resume(&newer));
    fs::copy(folder.path().join("model.safetensors"), &path).unwrap();
    assert!(problem(trainer_of(&images, &one).resume(go_on)).contains("image classifier"));
}

#[test]
fn images_of_another_shape_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = trainer(&bars(60, 0), &recipe("epochs = 1"), folder.path());
    trainer.run(go_on).unwrap();
    let classifier = ImageClassifier::load(&trainer.model_path(), &Device::default()).unwrap();
    assert_eq!(classifier.class_names(), ["upright", "lying", "none"]);
    let size = ImageSize { height: 1, width: 1 };
    let images = Images::new(vec![0], 1, size, vec![0], vec!["a".into()]).unwrap();
    let error = classifier.predict(&images).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the images are 1x1 with 1 channels, the network was trained on 12x12 with 1 channels"
    );
    let missing = ImageClassifier::load(&folder.path().join("none"), &Device::default());
    assert!(matches!(missing, Err(VisionError::Read { .. })));
    let few = Trainer::new(&images, recipe("epochs = 1"), folder.path(), &Device::default());
    assert!(matches!(few, Err(VisionError::TooFewImages { images: 1, .. })));
    let nothing = AugmentationSetting::Transforms(vec![Transform::Cutout { size: 0 }]);
    let wrong = Recipe { augmentation: Some(nothing), ..recipe("epochs = 1") };
    let wrong = Trainer::new(&bars(60, 0), wrong, folder.path(), &Device::default());
    assert!(matches!(wrong, Err(VisionError::Setting { .. })));
}
