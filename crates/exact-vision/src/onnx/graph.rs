//! A graph of operators.

use super::messages::{AttributeProto, FLOAT, INT64, NodeProto, TensorProto, length};

/// The name of a value in the graph.
pub(super) type Value = String;

/// Operators on values, with the weights that they use.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
}

impl Graph {
    /// An operator of one result.
    pub fn operator(&mut self, kind: &str, input: &[&str], attribute: Vec<AttributeProto>) -> Value {
        let name = format!("{}_{}", kind.to_lowercase(), self.nodes.len());
        self.nodes.push(NodeProto {
            input: input.iter().copied().map(Into::into).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: kind.into(),
            attribute,
        });
        name
    }

    /// Calls a value by another name.
    pub fn rename(&mut self, value: &str, name: &str) {
        let values = self.nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
        values.filter(|other| *other == value).for_each(|other| name.clone_into(other));
    }

    /// A tensor.
    pub fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Value {
        self.initializers.push(TensorProto {
            dims: shape.iter().copied().map(length).collect(),
            data_type: FLOAT,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.into()
    }

    /// A list of whole numbers.
    pub fn indices(&mut self, name: &str, values: &[i64]) -> Value {
        self.initializers.push(TensorProto {
            dims: vec![length(values.len())],
            data_type: INT64,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.into()
    }

    pub fn relu(&mut self, input: &str) -> Value {
        self.operator("Relu", &[input], Vec::new())
    }

    pub fn add(&mut self, a: &str, b: &str) -> Value {
        self.operator("Add", &[a, b], Vec::new())
    }
}
