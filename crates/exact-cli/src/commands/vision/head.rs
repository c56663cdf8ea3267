//! `exact vision replace-head`.

use exact_linear::{FeatureKind, Model};
use exact_vision::{ImageClassifier, default_device};

use crate::arguments::vision::ReplaceHead;
use crate::failure::CommandError;
use crate::output::check_outputs;

pub(crate) fn run(arguments: &ReplaceHead) -> anyhow::Result<()> {
    let inputs = [
        ("the model", Some(arguments.model.as_path())),
        ("the new last layer", Some(arguments.head.as_path())),
    ];
    check_outputs(&inputs, &[("--out", Some(arguments.out.as_path()))])?;
    let classifier = ImageClassifier::load(&arguments.model, &default_device()?)?;
    let head = Model::load(&arguments.head)?;
    let fail = |problem| CommandError::Head { path: arguments.head.clone(), problem };
    let (weights, biases) =
        parameters(&head, classifier.n_features(), classifier.class_names()).map_err(fail)?;
    Ok(classifier.with_head(weights, biases, head.classifier().link())?.save(&arguments.out)?)
}

/// The weights, `[n_features, n_classes]`, and biases of a linear classifier in the units of the features
/// `x_0`, `x_1`, …, or why it is none of these features and classes. Features that it dropped have the weight
/// 0.
fn parameters(
    head: &Model,
    n_features: usize,
    class_names: &[String],
) -> Result<(Vec<f32>, Vec<f32>), String> {
    let features = &head.features().kind;
    if features != FeatureKind::Linear.name() {
        return Err(format!(
            "it is linear in {features}, not in its columns: fit it with `--features linear`"
        ));
    }
    let columns = head.encoder().standardised_columns();
    if columns.len() != head.encoder().n_columns() {
        return Err("it was trained on columns that are not numbers".into());
    }
    let n_classes = class_names.len();
    let classes = head.labels().classes();
    if let Some(name) = class_names.iter().find(|name| !classes.contains(name)) {
        return Err(format!("it does not know the class `{name}`"));
    }
    let (mut weights, mut biases) = (vec![0.0; n_features * n_classes], vec![0.0; n_classes]);
    let coefficients = head.classifier().coefficients();
    let rows = coefficients.chunks_exact(columns.len()).zip(head.classifier().intercepts());
    for (name, (coefficients, intercept)) in classes.iter().zip(rows) {
        let class = class_names.iter().position(|known| known == name);
        let class = class.ok_or_else(|| format!("the network does not know its class `{name}`"))?;
        let mut bias = intercept;
        for (column, coefficient) in columns.iter().zip(coefficients) {
            let feature = column.column.strip_prefix("x_").and_then(|number| number.parse::<usize>().ok());
            let feature = feature.filter(|&feature| feature < n_features);
            let feature = feature.ok_or_else(|| {
                format!("it was trained on `{}`, which is none of the {n_features} features", column.column)
            })?;
            let weight = coefficient / column.std;
            bias -= weight * column.mean;
            weights[feature * n_classes + class] = weight as f32;
        }
        biases[class] = bias as f32;
    }
    Ok((weights, biases))
}
