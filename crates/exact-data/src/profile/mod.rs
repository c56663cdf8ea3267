//! What the columns of a table are taken for, and why: between reading and encoding.

mod column_profile;
mod date_format;
mod decision;
mod missing_tokens;
mod number_format;
mod reading;
mod tally;

pub use column_profile::ColumnProfile;
pub use date_format::{DateFormat, DateOrder, DatePart};
pub(crate) use decision::{Conventions, Decision, decide, decide_known, decide_labels};
pub use number_format::NumberFormat;
pub use reading::Reading;
