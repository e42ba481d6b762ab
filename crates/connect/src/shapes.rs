//! What the cards take and give, for whoever checks a flow before it runs.

use oktant_engine::Delivered;
use oktant_flow::model::{Address, Slot};
use oktant_flow::validate::{Field, Shape};
use oktant_functions::Value;

use crate::connectors::Card;
use crate::manifest::shape as of_action;
use crate::{events, mail};

/// What the card of an address takes and gives; of a card that nothing can run, nothing is known.
pub(crate) fn of(address: &Address) -> Shape {
    let (module, operation) = (address.module(), address.operation());
    if let Ok(function) = oktant_functions::find(address.as_str()) {
        let fields = |fields: &[oktant_functions::Field]| Some(fields.iter().map(of_function).collect());
        return Shape { inputs: fields(&function.inputs), outputs: fields(&function.outputs) };
    }
    if events::record_change(module, operation).is_some() {
        return gives(&["Record/Record ID", "Record/Date and Time", "Record/Record", "Record Fields/*"]);
    }
    if events::is_event(module, operation) {
        let nothing = Delivered { event: Value::Null, envelope: Value::Null, headers: Value::Null };
        let keys = events::outputs(&nothing).into_iter().map(|(key, _)| Slot::grouped("Output", key));
        let outputs = keys.map(|slot| Field { slot, required: false }).collect();
        return Shape { inputs: None, outputs: Some(outputs) };
    }
    if address.as_str() == crate::query::SQL_CARD {
        return shape(&["Query/SQL", "Query/Limit"], &["Result/Count", "Result/CSV", "Result/Rows"]);
    }
    let response = ["Response/Status Code", "Response/Headers", "Response/Body"];
    match Card::find(address.as_str()) {
        Some(Card::Manifest(_, action)) => of_action::shape(action),
        // What the body of the request takes, the service knows.
        Some(Card::Operation(_)) => gives(&[&response[..], &["Result/*"]].concat()),
        Some(Card::Http) => {
            shape(&["Request/Method", "Request/URL", "Request/Query", "Request/Headers", "Request/Body"], &response)
        }
        Some(Card::Table(_)) => of_table(operation),
        Some(Card::File) if operation == "info" => {
            shape(&["File/File Content"], &["File/Filename", "File/Extension", "File/Size"])
        }
        Some(Card::File) => shape(&["Location/URL"], &["File/Size", "File/Filename", "File/File Content"]),
        Some(Card::Mail) => of_mail(module),
        None => Shape::default(),
    }
}

fn of_function(field: &oktant_functions::Field) -> Field {
    let name = &field.name;
    let slot = Slot { group: name.group.as_deref().map(str::to_owned), key: name.key.to_string() };
    Field { slot, required: field.required && field.default.is_null() }
}

fn of_table(operation: &str) -> Shape {
    // Values of a condition that come from other cards are handed over in a group of their own.
    const CONDITION: [&str; 4] = ["Filter/Where Expression", "_expr/*", "Sort/Column", "Sort/Direction"];
    match operation {
        "createRow" => shape(&["Fields/*"], &["Output/Row ID"]),
        "updateRow" => shape(&["Update By/Row ID", "Fields/*"], &[]),
        "deleteRow" => shape(&["Delete By/Row ID"], &[]),
        "clearTable" => shape(&[], &["Table/Cleared Rows"]),
        "readRow" => shape(&["Read By/Row ID"], &["Row/Row ID", "Row/Created", "Row/Updated", "Fields/*"]),
        "readTable" => shape(&[], &["Output/Column Schema"]),
        "exportToCSV" => {
            let own = ["Options/Columns", "Options/Delimiter", "Options/Limit", "Options/Offset", "File/Filename"];
            shape(&[&CONDITION[..], &own].concat(), &["CSV/File Content"])
        }
        "searchRows2" => shape(
            &[&CONDITION[..], &["Sort/Limit", "Sort/Offset"]].concat(),
            &["Row/Row ID", "Row/Created", "Row/Updated", "Fields/*", "Result/Rows"],
        ),
        _ => Shape::default(),
    }
}

fn of_mail(module: &str) -> Shape {
    let keys = ["From", "To", "CC", "BCC", "Subject", "Body", "Message Type", "Attachments"];
    let own = keys.map(|key| Slot::grouped(mail::group(module), key));
    let file = ["File Content", "File Name"].map(|key| Slot::grouped("File", key));
    let inputs = own.into_iter().chain(file).map(|slot| Field { slot, required: false }).collect();
    Shape { inputs: Some(inputs), ..gives(&["Email/Message ID"]) }
}

fn shape(inputs: &[&str], outputs: &[&str]) -> Shape {
    Shape { inputs: Some(inputs.iter().map(|name| Field::named(name)).collect()), ..gives(outputs) }
}

fn gives(outputs: &[&str]) -> Shape {
    Shape { inputs: None, outputs: Some(outputs.iter().map(|name| Field::named(name)).collect()) }
}
