//! SQL over an org: tables, predicate pushdown and request planning on DataFusion
