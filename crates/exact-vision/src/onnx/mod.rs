//! Classifiers as ONNX files.

mod graph;
mod layers;
mod messages;
mod probabilities;

use std::path::Path;

use exact_data::write_atomically;
use prost::Message as _;

use self::graph::Graph;
use self::messages::{
    Dimension, FLOAT, GraphProto, Length, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, length,
};
use crate::classifier::ImageClassifier;
use crate::{VisionError, file};

/// The version of the format, and of its operators: those of 2021, which all runtimes know.
const IR_VERSION: i64 = 8;
const OPERATOR_SET: i64 = 15;

/// The names of its input and outputs.
const IMAGES: &str = "images";
const LOGITS: &str = "logits";
const PROBABILITIES: &str = "probabilities";

/// What the file says of its input.
const DESCRIPTION: &str =
    "images: [n, channels, height, width], pixels divided by 255; their normalisation is part of the graph";

impl ImageClassifier {
    /// Writes the classifier as an ONNX file, whole or not at all, for any number of images at once.
    ///
    /// Its input `images`, `[n, channels, height, width]`, are pixels divided by 255, from 0 to 1, red before
    /// green and blue; that they are normalised as in training is part of the graph. Its outputs are `logits`
    /// and `probabilities`, `[n, classes]`; the latter are those of the classifier's
    /// [link](ImageClassifier::link). The names of the classes, as a JSON array, are the metadata
    /// `class_names`.
    ///
    /// # Errors
    /// [`VisionError::Data`] if the file cannot be written, [`VisionError::Device`] if the device fails.
    pub fn export_onnx(&self, path: &Path) -> Result<(), VisionError> {
        let graph = self.draw()?;
        let (shape, n_classes) = (self.description.shape, self.class_names().len());
        let names = file::json(self.class_names());
        let proto = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "exact-learn".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(GraphProto {
                node: graph.nodes,
                name: self.architecture().to_string(),
                initializer: graph.initializers,
                doc_string: DESCRIPTION.into(),
                input: vec![value(IMAGES, &[shape.channels, shape.height, shape.width])],
                output: vec![value(LOGITS, &[n_classes]), value(PROBABILITIES, &[n_classes])],
            }),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATOR_SET }],
            metadata_props: vec![StringStringEntryProto { key: "class_names".into(), value: names }],
        };
        Ok(write_atomically(path, |file| file.write_all(&proto.encode_to_vec()))?)
    }

    /// Everything from pixels to probabilities.
    fn draw(&self) -> Result<Graph, VisionError> {
        let mut graph = Graph::default();
        let statistics = &self.description.statistics;
        let channels = [1, statistics.mean.len(), 1, 1];
        let factors: Vec<f32> = statistics.std.iter().map(|std| (1.0 / std) as f32).collect();
        let scales = statistics.mean.iter().zip(&statistics.std);
        let offsets: Vec<f32> = scales.map(|(mean, std)| (-mean / std) as f32).collect();
        let factors = graph.constant("normalization.factors", &channels, &factors);
        let offsets = graph.constant("normalization.offsets", &channels, &offsets);
        let scaled = graph.operator("Mul", &[IMAGES, &factors], Vec::new());
        let images = graph.add(&scaled, &offsets);
        let logits = layers::draw(&mut graph, &self.network, images, self.description.shape)?;
        let probabilities = probabilities::draw(&mut graph, self.link(), &logits);
        graph.rename(&logits, LOGITS);
        graph.rename(&probabilities, PROBABILITIES);
        Ok(graph)
    }
}

/// An input or output, `[n, …]`.
fn value(name: &str, lengths: &[usize]) -> ValueInfoProto {
    let lengths = lengths.iter().map(|&value| Length::Value(length(value)));
    let dim = std::iter::once(Length::Parameter("n".into())).chain(lengths);
    let dim = dim.map(|length| Dimension { length: Some(length) }).collect();
    let tensor_type = TensorTypeProto { elem_type: FLOAT, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.into(), kind: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::messages::ModelProto;
    use crate::{ImageClassifier, ImageShape};

    /// Every operator takes weights, pixels or what an earlier one made, and no weight is left out.
    #[test]
    fn every_network_is_a_whole_graph() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.onnx");
        for (network, size) in [
            ("small-cnn", 28),
            ("m3", 24),
            ("wrn-16-2", 32),
            ("resnet-34", 32),
            ("resnet-50", 70),
            ("vgg-13", 32),
        ] {
            let shape = ImageShape { channels: 3, height: size, width: size };
            let classifier = ImageClassifier::untrained(network, shape);
            classifier.export_onnx(&path).unwrap();
            let proto = ModelProto::decode(std::fs::read(&path).unwrap().as_slice()).unwrap();
            let graph = proto.graph.unwrap();
            let own = |name: &str| name.starts_with("normalization.") || name.starts_with("probabilities.");
            let weights = graph.initializer.iter().filter(|tensor| !own(&tensor.name)).count();
            assert_eq!(weights, crate::file::tensors_of(&classifier.network).unwrap().len(), "{network}");
            let mut known: Vec<String> = graph.initializer.into_iter().map(|tensor| tensor.name).collect();
            known.extend(graph.input.into_iter().map(|input| input.name));
            for node in graph.node {
                assert!(node.input.iter().all(|name| known.contains(name)), "{network}: {node:?}");
                known.extend(node.output);
            }
            assert!(graph.output.iter().all(|output| known.contains(&output.name)), "{network}");
        }
    }
}
