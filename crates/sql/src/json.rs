//! Access to what lies inside a JSON column: `Profile ->> 'department'`, `json_get(Profile, 'a', 'b')`.
//!
//! The crate `datafusion-functions-json` would offer more, but the Python bindings that it can be
//! built with ask for another `pyo3` than ours, and one graph of packages holds only one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DFSchema, Result, exec_err, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use serde_json::value::RawValue;

/// Makes the functions and operators known.
pub(crate) fn register(state: &mut SessionState) -> Result<()> {
    state.register_udf(Arc::new(Access::Json.function()))?;
    state.register_udf(Arc::new(Access::Text.function()))?;
    state.register_expr_planner(Arc::new(Arrows))
}

/// What access to a part of a JSON text gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Access {
    /// The part as JSON.
    Json,
    /// The part as text: of a string its content; NULL of null.
    Text,
}

impl Access {
    fn function(self) -> ScalarUDF {
        let signature = Signature::variadic_any(Volatility::Immutable);
        let (name, other) = match self {
            Self::Json => ("json_get", "json_get_json"),
            Self::Text => ("json_get_str", "json_as_text"),
        };
        ScalarUDF::from(JsonGet { name, access: self, signature, aliases: vec![other.to_owned()] })
    }

    fn shown(self, json: &str) -> Option<String> {
        match self {
            Self::Text if json == "null" => None,
            Self::Text if json.starts_with('"') => serde_json::from_str(json).ok(),
            Self::Json | Self::Text => Some(json.to_owned()),
        }
    }
}

/// `json_get(json, step, …)`: each step is the name of a member or the position in an array, from 0.
/// NULL where a step leads nowhere.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonGet {
    name: &'static str,
    access: Access,
    signature: Signature,
    aliases: Vec<String>,
}

impl ScalarUDFImpl for JsonGet {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [json, steps @ ..] if is_text(json) && !steps.is_empty() && steps.iter().all(is_step) => Ok(DataType::Utf8),
            _ => plan_err!("{} takes JSON text, then names of members or positions", self.name),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let Some((json, steps)) = arrays.split_first() else { return exec_err!("{} takes JSON text", self.name) };
        let json = cast(json, &DataType::Utf8)?;
        let steps = steps.iter().map(Steps::of).collect::<Result<Vec<_>>>()?;
        let texts = json.as_string::<i32>().iter().enumerate().map(|(row, text)| {
            let found = steps.iter().try_fold(text?, |json, step| step.part(row, json))?;
            self.access.shown(found)
        });
        Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
    }
}

fn is_text(data_type: &DataType) -> bool {
    data_type.is_string() || data_type.is_null()
}

/// Anything else, such as a condition, is an expression that was meant to be grouped otherwise.
fn is_step(data_type: &DataType) -> bool {
    is_text(data_type) || data_type.is_integer()
}

/// One step of a path, for each row.
enum Steps {
    Names(ArrayRef),
    Positions(ArrayRef),
}

impl Steps {
    fn of(array: &ArrayRef) -> Result<Self> {
        Ok(if array.data_type().is_integer() {
            Self::Positions(cast(array, &DataType::Int64)?)
        } else {
            Self::Names(cast(array, &DataType::Utf8)?)
        })
    }

    /// The part of `json` that the step leads to.
    fn part<'a>(&self, row: usize, json: &'a str) -> Option<&'a str> {
        match self {
            Self::Names(names) if names.is_valid(row) => {
                let members: HashMap<String, &'a RawValue> = serde_json::from_str(json).ok()?;
                members.get(names.as_string::<i32>().value(row)).map(|part| part.get())
            }
            Self::Positions(positions) if positions.is_valid(row) => {
                let parts: Vec<&'a RawValue> = serde_json::from_str(json).ok()?;
                let position = usize::try_from(positions.as_primitive::<Int64Type>().value(row)).ok()?;
                parts.get(position).map(|part| part.get())
            }
            _ => None,
        }
    }
}

/// `->` gives JSON, `->>` text.
#[derive(Debug)]
struct Arrows;

impl ExprPlanner for Arrows {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let access = match expr.op {
            BinaryOperator::Arrow => Access::Json,
            BinaryOperator::LongArrow => Access::Text,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let call = ScalarFunction::new_udf(Arc::new(access.function()), vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}
