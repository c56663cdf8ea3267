//! Rendering of the templates.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::ReportError;

const TEMPLATES: [(&str, &str); 7] = [
    ("page.html", include_str!("templates/page.html")),
    ("benchmark.html", include_str!("templates/benchmark.html")),
    ("images.html", include_str!("templates/images.html")),
    ("opening.html", include_str!("templates/opening.html")),
    ("predictions.html", include_str!("templates/predictions.html")),
    ("report.html", include_str!("templates/report.html")),
    ("toy.html", include_str!("templates/toy.html")),
];
const STYLE: &str = include_str!("templates/style.css");

/// Renders a template; its name ends in `.html`, so that every value is escaped.
pub(crate) fn render(template: &str, context: impl Serialize) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    environment.add_global("style", minijinja::Value::from_safe_string(STYLE.into()));
    environment.add_global("version", env!("CARGO_PKG_VERSION"));
    Ok(environment.get_template(template)?.render(Serde(context))?)
}
