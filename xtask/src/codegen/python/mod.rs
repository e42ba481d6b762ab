//! The Python facade `oktant.okta`: the table that its classes and methods are made from, and its type stubs.

mod classes;
mod methods;
mod names;
mod sdk2;
mod stubs;
mod table;

use std::path::Path;

use self::classes::Models;
use self::methods::Methods;
use self::sdk2::Sdk2;
use super::model::{Operation, Schemas};
use super::{Error, Output};

/// The folder of the generated files.
const FOLDER: &str = "python/src/oktant/okta";

/// The generated files; `names` is the file with the names of okta-sdk-python 2.x.
pub(crate) fn generate(operations: &[Operation], schemas: &Schemas, names: &Path) -> Result<Vec<Output>, Error> {
    let sdk2 = Sdk2::read(names)?;
    let models = Models::collect(schemas, &sdk2);
    let methods = Methods::collect(operations, schemas, &models, &sdk2)?;
    let output = |name: &str, content: String| Output { path: format!("{FOLDER}/{name}"), content };
    Ok(vec![
        output("_table.py", table::source(&methods, &models)),
        output("models.pyi", stubs::models(&models)),
        output("_methods.pyi", stubs::methods(&methods)),
    ])
}
