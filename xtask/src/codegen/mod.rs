//! `cargo xtask codegen`: writes the catalogue, and what projects from it, from the API descriptions
//! and the overlay.
//!
//! Inputs are `management-minimal.yaml` and `oauth-minimal.yaml` of the shared data and
//! `catalog/overlay.toml`; outputs are the committed statics of `crates/catalog`, the typed models of
//! `crates/models`, the requests of `crates/sdk`, the reference page of the tables, and the table and
//! type stubs of the Python facade. No prose of the descriptions is taken over.

mod description;
mod emit;
mod error;
mod lookup;
mod model;
mod models;
mod names;
mod operations;
mod outputs;
mod overlay;
mod patch;
mod python;
mod schemas;
mod sdk;
mod tables;

use std::path::{Path, PathBuf};

use self::description::Description;
pub use self::error::Error;
pub use self::outputs::Output;
use self::overlay::Overlay;

/// Generate the catalogue from the API descriptions and `catalog/overlay.toml`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write nothing; fail if the committed files differ.
    #[arg(long)]
    pub check: bool,
}

/// The files that the catalogue is generated from.
#[derive(Debug)]
pub struct Inputs {
    /// Description of the management API.
    pub management: PathBuf,
    /// Description of OAuth 2.0 and OpenID Connect.
    pub oauth: PathBuf,
    /// Corrections.
    pub overlay: PathBuf,
    /// Names of okta-sdk-python 2.x.
    pub sdk2: PathBuf,
    /// Settings of `rustfmt`.
    pub rustfmt: PathBuf,
}

/// Generates the catalogue, or checks it, and returns what is to be said about it.
pub fn run(args: &Args) -> Result<String, Error> {
    let workspace = workspace();
    let Some(specs) = specs(&workspace) else {
        return Ok("skipped: the folder of the API descriptions is not there (set OKTANT_SHARED_DATA)\n".to_owned());
    };
    let outputs = generate(&Inputs {
        management: specs.join("management-minimal.yaml"),
        oauth: specs.join("oauth-minimal.yaml"),
        overlay: workspace.join("catalog/overlay.toml"),
        sdk2: workspace.join("catalog/okta-sdk-python-2.toml"),
        rustfmt: workspace.join("rustfmt.toml"),
    })?;
    if args.check { outputs::check(&outputs, &workspace) } else { outputs::write(&outputs, &workspace) }
}

/// Generates every file of the catalogue. Writes nothing.
pub fn generate(inputs: &Inputs) -> Result<Vec<Output>, Error> {
    let management = Description::read(&inputs.management)?;
    let mut oauth = Description::read(&inputs.oauth)?;
    let overlay = Overlay::read(&inputs.overlay)?;
    oauth.rename_conflicting_schemas(&management, "OAuth");
    let mut schemas = model::Schemas::new();
    let mut operations = Vec::new();
    operations::collect(&management, "Management", &mut schemas, &mut operations)?;
    operations::collect(&oauth, "OAuth", &mut schemas, &mut operations)?;
    operations.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(twice) = operations.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(Error::description(&twice[0].id, "two operations have this id"));
    }
    patch::apply_to_schemas(&overlay, &mut schemas)?;
    patch::apply(&overlay, &mut operations, &schemas)?;
    let mut buckets: Vec<_> = overlay.bucket.iter().collect();
    buckets.sort_by(|a, b| a.id.get_ref().cmp(b.id.get_ref()));

    let tables = tables::build(&overlay, &operations, &schemas)?;

    let generated = |crate_name: &str, name: &str, source: &str| {
        let path = format!("crates/{crate_name}/src/generated/{name}.rs");
        emit::formatted(&path, source, &inputs.rustfmt).map(|content| Output { path, content })
    };
    let mut outputs = vec![
        generated("catalog", "operations", &emit::operations(&operations, &buckets))?,
        generated("catalog", "schemas", &emit::schemas(&schemas))?,
        generated("catalog", "tables", &tables::emit::tables(&tables))?,
        Output { path: "docs/reference/tables.md".to_owned(), content: tables::reference::page(&tables) },
        Output { path: "crates/sdk/groups.md".to_owned(), content: sdk::groups_page(&operations) },
    ];
    for (path, source) in sdk::sources(&operations, &schemas, &models::Types::new(&schemas)?)? {
        let content = emit::formatted(&path, &source, &inputs.rustfmt)?;
        outputs.push(Output { path, content });
    }
    for (name, source) in models::sources(&schemas, &operations)? {
        outputs.push(generated("models", &name, &source)?);
    }
    outputs.extend(python::generate(&operations, &schemas, &inputs.sdk2)?);
    Ok(outputs)
}

/// The text of an input.
fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::File { action: "read", path: path.to_owned(), source })
}

/// The root of the workspace.
fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// The folder of the API descriptions, if it is there.
fn specs(workspace: &Path) -> Option<PathBuf> {
    let data = std::env::var_os("OKTANT_SHARED_DATA").map_or_else(|| workspace.join("../shared/data"), PathBuf::from);
    Some(data.join("spec")).filter(|folder| folder.is_dir())
}
