//! One field, and the line that describes it: `type(length) properties [@list | : a | *b] [-> Object as Children]`.

use indexmap::IndexMap;
use serde_json::Value;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Id,
    String,
    TextArea,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Email,
    Phone,
    Url,
    Picklist,
    MultiPicklist,
    Reference,
}

const KINDS: [(Kind, &str, &str); 16] = [
    (Kind::Id, "id", "tns:ID"),
    (Kind::String, "string", "xsd:string"),
    (Kind::TextArea, "textarea", "xsd:string"),
    (Kind::Boolean, "boolean", "xsd:boolean"),
    (Kind::Int, "int", "xsd:int"),
    (Kind::Double, "double", "xsd:double"),
    (Kind::Currency, "currency", "xsd:double"),
    (Kind::Percent, "percent", "xsd:double"),
    (Kind::Date, "date", "xsd:date"),
    (Kind::DateTime, "datetime", "xsd:dateTime"),
    (Kind::Email, "email", "xsd:string"),
    (Kind::Phone, "phone", "xsd:string"),
    (Kind::Url, "url", "xsd:string"),
    (Kind::Picklist, "picklist", "xsd:string"),
    (Kind::MultiPicklist, "multipicklist", "xsd:string"),
    (Kind::Reference, "reference", "tns:ID"),
];

impl Kind {
    fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known, _)| *known == name).map(|(kind, ..)| *kind)
    }

    /// The name in `describe`.
    pub(in super::super) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }

    /// The type in SOAP, which `describe` gives too.
    pub(super) fn soap(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., soap)| soap)
    }

    /// Whether its values are ids.
    pub(in super::super) const fn is_id(self) -> bool {
        matches!(self, Self::Id | Self::Reference)
    }

    /// Whether its values are numbers.
    pub(in super::super) const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Currency | Self::Percent)
    }

    const fn default_length(self) -> u32 {
        match self {
            Self::Id | Self::Reference => 18,
            Self::String | Self::Picklist | Self::TextArea | Self::Url => 255,
            Self::Email => 80,
            Self::Phone => 40,
            Self::MultiPicklist => 4099,
            _ => 0,
        }
    }
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Choice {
    pub(in super::super) value: String,
    pub(in super::super) default: bool,
}

/// One field of an object.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are what `describe` says of a field")]
pub(in super::super) struct Field {
    pub(in super::super) name: String,
    pub(in super::super) label: String,
    pub(in super::super) kind: Kind,
    /// Characters at the most.
    pub(in super::super) length: u32,
    pub(in super::super) required: bool,
    pub(in super::super) create: bool,
    pub(in super::super) update: bool,
    /// Filled in by the org if the caller does not.
    pub(in super::super) defaulted: bool,
    pub(in super::super) unique: bool,
    pub(in super::super) external: bool,
    pub(in super::super) id_lookup: bool,
    pub(in super::super) case_sensitive: bool,
    pub(in super::super) is_name: bool,
    pub(in super::super) auto_number: bool,
    pub(in super::super) restricted: bool,
    pub(in super::super) custom: bool,
    /// One that every object has.
    pub(in super::super) system: bool,
    pub(in super::super) default: Value,
    pub(in super::super) choices: Vec<Choice>,
    /// Objects that a reference may lead to.
    pub(in super::super) targets: Vec<String>,
    /// Name of the list that it makes below those objects.
    pub(in super::super) child: Option<String>,
}

impl Field {
    /// The name under which the record it leads to is reached.
    pub(in super::super) fn relationship(&self) -> Option<String> {
        if self.kind != Kind::Reference {
            return None;
        }
        self.name
            .strip_suffix("__c")
            .map(|base| format!("{base}__r"))
            .or_else(|| self.name.strip_suffix("Id").map(str::to_owned))
    }

    /// Whether conditions and order may name it.
    pub(in super::super) fn can_filter(&self) -> bool {
        self.kind != Kind::TextArea
    }

    /// Whether records can be addressed by it.
    pub(in super::super) fn is_key(&self) -> bool {
        self.external || self.id_lookup || self.kind == Kind::Id
    }

    fn blank(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            label: label(name),
            kind,
            length: kind.default_length(),
            required: false,
            create: true,
            update: true,
            defaulted: kind == Kind::Boolean,
            unique: false,
            external: false,
            id_lookup: false,
            case_sensitive: false,
            is_name: name == "Name",
            auto_number: false,
            restricted: false,
            custom: name.ends_with("__c"),
            system: false,
            default: if kind == Kind::Boolean { Value::Bool(false) } else { Value::Null },
            choices: Vec::new(),
            targets: Vec::new(),
            child: None,
        }
    }

    fn set(&mut self, property: &str) -> Result<(), String> {
        match property {
            "required" => self.required = true,
            "readonly" => (self.create, self.update) = (false, false),
            "createonly" => self.update = false,
            "unique" => self.unique = true,
            "external" => (self.external, self.id_lookup) = (true, true),
            "idlookup" => self.id_lookup = true,
            "casesensitive" => self.case_sensitive = true,
            "defaulted" => self.defaulted = true,
            "namefield" => self.is_name = true,
            "autonumber" => self.auto_number = true,
            "restricted" => self.restricted = true,
            _ => {
                let text = property.strip_prefix('=').ok_or_else(|| format!("there is no property `{property}`"))?;
                self.default = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
                self.defaulted = true;
            }
        }
        Ok(())
    }

    fn set_choices(&mut self, values: impl Iterator<Item = String>) {
        for value in values {
            let default = value.starts_with('*');
            let value = value.trim_start_matches('*').to_owned();
            if default {
                self.default = Value::from(value.as_str());
                self.defaulted = true;
            }
            self.choices.push(Choice { value, default });
        }
    }
}

/// Reads the line of a field.
///
/// # Errors
///
/// What in the line cannot be read.
pub(super) fn field(name: &str, line: &str, lists: &IndexMap<String, Vec<String>>) -> Result<Field, String> {
    let (line, targets) = line.split_once("->").map_or((line, None), |(line, targets)| (line, Some(targets)));
    let (line, choices) = line.split_once(':').map_or((line, None), |(line, choices)| (line, Some(choices)));
    let (line, list) = line.split_once('@').map_or((line, None), |(line, list)| (line, Some(list.trim())));
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let (kind, length) = first.split_once('(').map_or((first, None), |(kind, rest)| (kind, Some(rest)));
    let kind = Kind::named(kind).ok_or_else(|| format!("there is no type `{kind}`"))?;
    let mut field = Field::blank(name, kind);
    if let Some(length) = length {
        field.length = length.trim_end_matches(')').parse().map_err(|_| format!("`{first}` has no length"))?;
    }
    for property in words {
        field.set(property)?;
    }
    if let Some(list) = list {
        let values = lists.get(list).ok_or_else(|| format!("there is no list `{list}`"))?;
        field.set_choices(values.iter().cloned());
    }
    if let Some(choices) = choices {
        field.set_choices(choices.split('|').map(|choice| choice.trim().to_owned()));
    }
    let Some(targets) = targets else { return Ok(field) };
    let (targets, child) =
        targets.split_once(" as ").map_or((targets, None), |(targets, child)| (targets, Some(child)));
    field.targets = targets.split('|').map(|target| target.trim().to_owned()).collect();
    field.child = child.map(|child| child.trim().to_owned());
    Ok(field)
}

/// `MailingCity` as `Mailing City`, `AccountId` as `Account ID`, `Cost_Centre__c` as `Cost Centre`.
fn label(name: &str) -> String {
    let name = name.trim_end_matches("__c").replace('_', " ");
    let mut label = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_small {
            label.push(' ');
        }
        after_small = letter.is_lowercase();
        label.push(letter);
    }
    match label.strip_suffix(" Id") {
        Some(base) => format!("{base} ID"),
        None => label,
    }
}
