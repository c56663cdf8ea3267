//! The model file: the same bytes for the same model, and a clear refusal of everything else.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use exact_data::{DataError, Encoder, EncoderOptions, LabelEncoder, ReadOptions, Source, Table};
use exact_linear::{LinearError, LossChoice, LossKind, Model, Progress, TrainOptions, Trainer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Numbers, categories, and missing values of both.
fn table() -> Table {
    let rows: Vec<String> = (0..60)
        .map(|i| {
            let size = if i % 11 == 3 { String::new() } else { format!("{}.{}", i % 20, i % 7) };
            let colour = ["red", "blue", "", "ünï"][i % 4];
            format!("{size},{colour},{}\n", ["low", "mid", "high"][(i % 20) / 7])
        })
        .collect();
    let source = Source::bytes("sizes.csv", format!("size,colour,level\n{}", rows.concat()).into_bytes());
    Table::read(&source, &ReadOptions::with_target("level")).unwrap()
}

fn train(kind: LossKind) -> Model {
    let table = table();
    let encoder = Encoder::fit(&table, &EncoderOptions::default()).unwrap().0;
    let (labels, _) = LabelEncoder::fit(&table, "level").unwrap();
    let (features, codes) = (encoder.transform(&table).unwrap(), labels.transform(&table, "level").unwrap());
    let options = TrainOptions::default().with_folds(2);
    let trainer = Trainer::new(features, codes, labels.n_classes(), options).unwrap();
    let trained = trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap();
    Model::new(encoder, labels, "level".into(), &trained)
}

static MODEL: LazyLock<Model> = LazyLock::new(|| train(LossKind::CrossEntropy));
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| MODEL.to_bytes().unwrap());

/// What is wrong with the bytes according to the message, which names the file.
fn problem(bytes: &[u8]) -> String {
    match Model::from_bytes("some/model.safetensors", bytes) {
        Err(error @ LinearError::ModelFile { .. }) => {
            let message = error.to_string();
            assert!(error.hint().is_some());
            message.strip_prefix("some/model.safetensors is not a usable model: ").unwrap().into()
        }
        Err(error) => panic!("not an error of the model file: {error}"),
        Ok(_) => panic!("the file was accepted"),
    }
}

/// The parts of a model file, to be altered and put together again with a checksum that fits.
struct Parts {
    format: Value,
    version: Value,
    model: Value,
    shape: Vec<usize>,
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
}

fn to_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn view(shape: Vec<usize>, bytes: &[u8]) -> TensorView<'_> {
    TensorView::new(Dtype::F64, shape, bytes).unwrap()
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
        let header: Value =
            serde_json::from_str(&metadata.metadata().as_ref().unwrap()["exact-learn"]).unwrap();
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let values = |name| {
            let data = tensors.tensor(name).unwrap().data();
            data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect::<Vec<f64>>()
        };
        Self {
            format: header["format"].clone(),
            version: header["version"].clone(),
            model: serde_json::from_str(header["description"].as_str().unwrap()).unwrap(),
            shape: tensors.tensor("coefficients").unwrap().shape().to_vec(),
            coefficients: values("coefficients"),
            intercepts: values("intercepts"),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let (coefficients, intercepts) = (to_bytes(&self.coefficients), to_bytes(&self.intercepts));
        self.with_tensors(BTreeMap::from([
            ("coefficients", view(self.shape.clone(), &coefficients)),
            ("intercepts", view(vec![self.intercepts.len()], &intercepts)),
        ]))
    }

    /// As files of the first and second version have them: transposed, and as differences to the first class.
    fn bytes_of_differences(&self) -> Vec<u8> {
        let [n_classes, n_columns] = self.shape[..] else { panic!("{:?}", self.shape) };
        let difference = |class: usize, column: usize| {
            self.coefficients[class * n_columns + column] - self.coefficients[column]
        };
        let weights: Vec<f64> = (0..n_columns)
            .flat_map(|column| (1..n_classes).map(move |class| difference(class, column)))
            .collect();
        let biases: Vec<f64> = self.intercepts[1..].iter().map(|it| it - self.intercepts[0]).collect();
        let (weights, biases) = (to_bytes(&weights), to_bytes(&biases));
        self.with_tensors(BTreeMap::from([
            ("weights", view(vec![n_columns, n_classes - 1], &weights)),
            ("biases", view(vec![n_classes - 1], &biases)),
        ]))
    }

    fn with_tensors(&self, tensors: BTreeMap<&str, TensorView>) -> Vec<u8> {
        let model = self.model.to_string();
        let mut hash = Sha256::new();
        let parts = tensors.iter().flat_map(|(name, tensor)| [name.as_bytes(), tensor.data()]);
        for part in std::iter::once(model.as_bytes()).chain(parts) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let header = serde_json::json!({
            "format": self.format, "version": self.version, "sha256": sha256, "description": model
        });
        serialize(tensors, Some(HashMap::from([("exact-learn".into(), header.to_string())]))).unwrap()
    }
}

/// What is wrong with a file with one part altered.
fn altered(alter: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::of(&BYTES);
    alter(&mut parts);
    problem(&parts.bytes())
}

#[test]
fn loading_gives_back_what_was_saved_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let (path, model) = (folder.path().join("model.safetensors"), train(kind));
        model.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        assert_eq!(loaded, model);
        let bits = |model: &Model| {
            let classifier = model.classifier();
            let parameters = [classifier.coefficients(), classifier.intercepts()].concat();
            parameters.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(bits(&loaded), bits(&model));
        assert_eq!(loaded.classifier().link(), model.classifier().link());
        assert_eq!((loaded.target(), loaded.loss()), ("level", kind.name()));
        let (table, bits) = (table(), |p: Vec<f64>| p.into_iter().map(f64::to_bits).collect::<Vec<_>>());
        let [after, before] = [loaded.predict(&table).unwrap(), model.predict(&table).unwrap()];
        assert_eq!(after.classes, before.classes);
        assert_eq!(bits(after.probabilities), bits(before.probabilities));
        // And what was loaded is saved as the same bytes.
        assert_eq!(loaded.to_bytes().unwrap(), std::fs::read(&path).unwrap());
    }
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    assert_eq!(train(LossKind::CrossEntropy).to_bytes().unwrap(), *BYTES);
    assert_eq!(MODEL.to_bytes().unwrap(), *BYTES);
}

#[test]
fn a_truncated_file_is_refused() {
    for length in (0..BYTES.len()).step_by(64).chain(BYTES.len() - 9..BYTES.len()) {
        let problem = problem(&BYTES[..length]);
        assert!(problem.contains("truncated"), "{length}: {problem}");
    }
    let mut longer = BYTES.clone();
    longer.push(0);
    problem(&longer);
}

#[test]
fn a_flipped_byte_is_refused() {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..500 {
        let at = random.random_range(0..BYTES.len());
        let mut bytes = BYTES.clone();
        bytes[at] ^= random.random_range(1..=255_u8);
        match Model::from_bytes("flipped", &bytes) {
            Err(LinearError::ModelFile { file, problem }) => {
                assert!(file == "flipped" && !problem.is_empty());
            }
            Err(error) => panic!("byte {at}: not an error of the model file: {error}"),
            // White space between the parts may become other white space.
            Ok(model) => assert_eq!(model, *MODEL, "byte {at} of {}", BYTES.len()),
        }
    }
}

#[test]
fn files_of_another_kind_are_refused() {
    assert!(problem(b"").contains("not a whole safetensors file"));
    assert!(problem(b"size,colour,level\n1,red,low\n2,blue,mid\n").contains("not a whole safetensors file"));
    assert!(problem(&[0xff; 300]).contains("not a whole safetensors file"));
    let weights = to_bytes(&[1.0, 2.0]);
    let foreign = |metadata| {
        let view = TensorView::new(Dtype::F64, vec![2, 1], &weights).unwrap();
        problem(&serialize([("weights", view)], metadata).unwrap())
    };
    assert!(foreign(None).contains("another program"));
    assert!(foreign(Some(HashMap::from([("format".into(), "pt".into())]))).contains("another program"));
    let entry = |text: &str| Some(HashMap::from([("exact-learn".into(), text.into())]));
    assert!(foreign(entry("{")).contains("metadata are damaged"));
    assert!(foreign(entry("[]")).contains("metadata are damaged"));
}

#[test]
fn another_format_or_version_is_refused() {
    let version = altered(|parts| parts.version = 4.into());
    assert!(version.contains("format version is 4") && version.contains("up to 3"), "{version}");
    let format = altered(|parts| parts.format = "a network".into());
    assert!(format.contains("'a network'"), "{format}");
}

/// The first version had no profile of the columns, and read them by their kind alone; up to the second,
/// weights were differences to the first class.
#[test]
fn files_of_the_first_version_predict_the_same() {
    let mut parts = Parts::of(&BYTES);
    parts.version = 1.into();
    parts.model.as_object_mut().unwrap().remove("columns");
    let encoder = parts.model["encoder"].as_object_mut().unwrap();
    for new in ["readings", "form"] {
        encoder.remove(new).unwrap();
    }
    let first = Model::from_bytes("first", &parts.bytes_of_differences()).unwrap();
    let source = Source::bytes("new.csv", b"size,colour\n1,red\n70,blue\n,\n".as_slice());
    let predictions = |model: &Model| {
        let table = Table::read(&source, &model.encoder().read_options()).unwrap();
        model.predict(&table).unwrap()
    };
    let (first, now) = (predictions(&first), predictions(&MODEL));
    assert_eq!(first.classes, now.classes);
    for (first, now) in first.probabilities.iter().zip(&now.probabilities) {
        assert!((first - now).abs() < 1e-12, "{first} {now}");
    }
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    assert_eq!(Parts::of(&BYTES).shape.len(), 2);
    let shape = altered(|parts| parts.shape.reverse());
    assert!(shape.contains("3 intercepts") && shape.contains("need 5"), "{shape}");
    let fewer = altered(|parts| {
        parts.shape[1] -= 1;
        parts.coefficients.truncate(parts.shape[0] * parts.shape[1]);
    });
    assert!(fewer.contains("[3, 4]") && fewer.contains("need [3, 5]"), "{fewer}");
    let intercepts = altered(|parts| parts.intercepts.push(0.0));
    assert!(intercepts.contains("4 intercepts") && intercepts.contains("need 3"), "{intercepts}");
    let flat = altered(|parts| parts.shape = vec![parts.coefficients.len()]);
    assert!(flat.contains("dimensions"), "{flat}");
    let labels = altered(|parts| parts.model["labels"] = serde_json::json!(["low"]));
    assert!(labels.contains("fewer than 2 classes"), "{labels}");
    let twice = altered(|parts| parts.model["labels"] = serde_json::json!(["low", "mid", "low"]));
    assert!(twice.contains("twice"), "{twice}");
    let description = altered(|parts| parts.model = serde_json::json!({}));
    assert!(description.contains("description is damaged"), "{description}");
    let encoder = altered(|parts| parts.model["encoder"]["dense"][0]["std"] = 0.0.into());
    assert!(encoder.contains("`size`"), "{encoder}");
}

#[test]
fn tensors_of_another_type_are_refused() {
    let parts = Parts::of(&BYTES);
    let coefficients = vec![0; 4 * parts.coefficients.len()];
    let view = TensorView::new(Dtype::F32, parts.shape.clone(), &coefficients).unwrap();
    let problem = problem(&parts.with_tensors(BTreeMap::from([("coefficients", view)])));
    assert!(problem.contains("F32") && problem.contains("F64"), "{problem}");
}

#[test]
fn numbers_that_are_not_usable_are_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let weight = altered(|parts| parts.coefficients[1] = value);
        assert!(weight.contains("not finite"), "{weight}");
        let bias = altered(|parts| parts.intercepts[0] = value);
        assert!(bias.contains("not finite"), "{bias}");
    }
    for scale in [0.0, -1.0, -f64::MIN_POSITIVE] {
        let scale = altered(|parts| parts.model["temperature"] = scale.into());
        assert!(scale.contains("scale") && scale.contains("positive"), "{scale}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Model::load(Path::new("no/such/model.safetensors")).unwrap_err();
    assert!(matches!(error, LinearError::Read { .. }));
    assert!(error.to_string().contains("no/such/model.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a model").unwrap();
    let error = Model::load(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    // A folder in the place of the file, and a path through a file: neither can be written, whoever runs
    // this.
    let occupied = folder.path().join("occupied");
    std::fs::create_dir(&occupied).unwrap();
    std::fs::write(occupied.join("kept"), "old").unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "old").unwrap();
    for path in [occupied.clone(), file.join("model"), folder.path().join("missing/model")] {
        let error = MODEL.save(&path).unwrap_err();
        assert!(matches!(error, LinearError::Data(DataError::Write { .. })), "{error}");
        assert!(error.to_string().contains(&*path.display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read_to_string(occupied.join("kept")).unwrap(), "old");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    // A model that is there is replaced whole.
    MODEL.save(&file).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), *BYTES);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
