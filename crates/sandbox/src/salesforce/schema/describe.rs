//! Objects as `describe` shows them.

use serde_json::{Value, json};

use super::spec::{Field, Kind};
use super::{Object, Schema};

/// What the list of all objects says of one.
pub(in super::super) fn summary(object: &Object, base: &str) -> Value {
    let url = format!("{base}/{}", object.path());
    json!({
        "activateable": false, "associateEntityType": null, "associateParentEntity": null, "createable": object.create,
        "custom": object.custom, "customSetting": false, "deepCloneable": false, "deletable": object.delete,
        "deprecatedAndHidden": false, "feedEnabled": false, "hasSubtypes": false, "isInterface": false, "isSubtype": false,
        "keyPrefix": object.prefix, "label": object.label, "labelPlural": object.plural, "layoutable": !object.setup,
        "mergeable": matches!(object.name.as_str(), "Account" | "Contact" | "Lead" | "Case"), "mruEnabled": !object.setup,
        "name": object.name, "queryable": true, "replicateable": true, "retrieveable": true,
        "searchable": !object.setup || object.name == "User", "triggerable": !object.setup || object.name == "User",
        "undeletable": object.delete && !object.setup, "updateable": object.update,
        "urls": {
            "rowTemplate": format!("{url}/{{ID}}"), "describe": format!("{url}/describe"), "sobject": url,
        },
    })
}

/// Everything about one object.
pub(in super::super) fn object(schema: &Schema, object: &Object, base: &str) -> Value {
    let mut all = summary(object, base);
    let children = schema.children(object).map(|child| {
        json!({
            "cascadeDelete": false, "childSObject": child.object.name, "deprecatedAndHidden": false,
            "field": child.field.name, "junctionIdListNames": [], "junctionReferenceTo": [],
            "relationshipName": child.name, "restrictedDelete": false,
        })
    });
    all["childRelationships"] = children.collect();
    all["fields"] = object.fields.iter().map(field).collect();
    all["recordTypeInfos"] = json!([{
        "active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "Master", "master": true,
        "name": "Master", "recordTypeId": "012000000000000AAA",
        "urls": { "layout": format!("{base}/{}/describe/layouts/012000000000000AAA", object.path()) },
    }]);
    all["supportedScopes"] = json!([{ "label": format!("All {}", object.plural), "name": "everything" }]);
    all
}

fn field(field: &Field) -> Value {
    let (precision, scale) = match field.kind {
        Kind::Currency | Kind::Double => (18, 2),
        Kind::Percent => (3, 0),
        _ => (0, 0),
    };
    let choices = field.choices.iter().map(|choice| {
        json!({ "active": true, "defaultValue": choice.default, "label": choice.value, "validFor": null, "value": choice.value })
    });
    let mut all = json!({
        "aggregatable": field.can_filter(), "autoNumber": field.auto_number,
        "byteLength": field.length * if field.kind.is_id() { 1 } else { 3 }, "caseSensitive": field.case_sensitive,
        "createable": field.create, "custom": field.custom, "defaultValue": field.default,
        "defaultedOnCreate": field.defaulted, "digits": if field.kind == Kind::Int { 8 } else { 0 },
        "externalId": field.external, "filterable": field.can_filter(),
        "groupable": field.can_filter() && field.kind != Kind::DateTime,
        "idLookup": field.id_lookup || field.kind == Kind::Id, "label": field.label, "length": field.length,
        "name": field.name, "nameField": field.is_name, "namePointing": field.targets.len() > 1,
        "nillable": !field.required && !field.system && field.kind != Kind::Boolean,
        "permissionable": field.create && !field.required, "picklistValues": choices.collect::<Vec<_>>(),
        "polymorphicForeignKey": field.targets.len() > 1, "precision": precision, "referenceTo": field.targets,
        "relationshipName": field.relationship(), "restrictedPicklist": field.restricted, "scale": scale,
        "soapType": field.kind.soap(), "sortable": field.can_filter(), "type": field.kind.name(), "unique": field.unique,
        "updateable": field.update,
    });
    for name in NEVER {
        all[name] = false.into();
    }
    for name in NOTHING {
        all[name] = Value::Null;
    }
    all
}

/// What no field of this org is.
const NEVER: [&str; 14] = [
    "aiPredictionField",
    "calculated",
    "cascadeDelete",
    "dependentPicklist",
    "deprecatedAndHidden",
    "displayLocationInDecimal",
    "encrypted",
    "formulaTreatNullNumberAsZero",
    "highScaleNumber",
    "htmlFormatted",
    "queryByDistance",
    "restrictedDelete",
    "searchPrefilterable",
    "writeRequiresMasterRead",
];

/// What no field of this org has.
const NOTHING: [&str; 11] = [
    "calculatedFormula",
    "compoundFieldName",
    "controllerName",
    "defaultValueFormula",
    "extraTypeInfo",
    "filteredLookupInfo",
    "inlineHelpText",
    "mask",
    "maskType",
    "referenceTargetField",
    "relationshipOrder",
];
