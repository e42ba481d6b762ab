//! Flows in both forms: real exports, own scenarios, and flows made by chance.

mod chance;
mod normal;
mod packs;
mod scenarios;
