//! SQL over an org: tables, predicate pushdown and request planning on DataFusion

pub mod pushdown;
pub mod relation;
pub mod request;
