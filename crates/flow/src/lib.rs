//! Flows as data: automations as exported by Okta Workflows, and as people review and write them.
//!
//! - [`model`] is the graph that an engine interprets;
//! - [`flopack`] reads and writes the format of Okta Workflows without loss;
//! - [`text`] is the readable form of a flow, [`folder`] that of a whole project;
//! - [`schedule`] says at which times a flow starts;
//! - [`validate`] finds what is wrong, [`diff`] what differs, [`summary`] says it in a few words;
//! - [`templates`] are flows for usual tasks.
//!
//! Nothing here does I/O: texts come in and go out as strings.
//!
//! ```
//! let flow = oktant_flow::text::read("
//! flow: Label size
//! trigger: {type: helper, inputs: {n: number}}
//! steps:
//!   - id: say
//!     card: string:compose
//!     with: {_text_: 'n is ${trigger.n}'}
//!   - id: return
//!     card: control:return
//!     with: {label: '${say.output}'}
//! ")?;
//! assert_eq!(flow.body.steps.len(), 2);
//! assert!(oktant_flow::validate::flow(&flow, Default::default()).is_empty());
//! # Ok::<(), oktant_flow::text::TextError>(())
//! ```

mod address;
pub mod diff;
pub mod flopack;
pub mod folder;
#[doc(hidden)]
pub mod fuzzing;
pub mod model;
mod names;
pub mod schedule;
pub mod summary;
pub mod templates;
pub mod text;
mod types;
pub mod validate;
mod visit;

pub use address::BadAddress;
pub use names::without_mark;
