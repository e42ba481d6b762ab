//! What is known about the fields of built-in functions, so that texts need not say it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::{Address, Slot, Type};

/// Inputs (`*`: required) and outputs of functions, as far as they are not optional text.
/// Inputs that take any type are not named: they have the type of what feeds them.
const CARDS: &str = "\
boolean:and | a boolean, b boolean | output boolean
boolean:compare | operator* text | result boolean
boolean:or | a boolean, b boolean | output boolean
boolean:xor | a boolean, b boolean | output boolean
control:lookup | key* text |
control:returnRaw | statusCode* number, headers* object | statusCode number, headers object
control:throw | statusCode* number, message* text | statusCode number
control:throwIf | statusCode number |
control:until | date* date |
control:wait | delay* number, unit* text |
crypto:hmac | algorithm* text, key* text, data* text |
date:add | start* date, scale* number, unit* text | output date
date:diff | start* date, end* date | days number, months number, years number, hours number, minutes number, seconds number, milliseconds number
date:epoch | start* date | output number
date:format | start* date, format* text, zone* text |
date:fromISO | start* text | date date, epoch number, unix number
date:now | | date date, minute number, hour number, day number, year number, second number, millisecond number
date:parse | start* text | output date
date:subtract | start* date, scale* number, unit* text | output date
date:unix | start* date | output number
json:parse | string* text | output object
json:stringify | object* |
list:at | list*, index* number | item object
list:collapse | list* | output object
list:construct | | list list-of-object
list:difference | list1*, list2* | list list-of-text
list:filterBy | list*, operator* text | list list-of-object
list:findBy | list*, operator* text, comparison* | item object, index number
list:flatten | lists* | list list-of-object
list:includes | list*, value* | result boolean
list:intersection | list1*, list2* | list list-of-object
list:join | list* |
list:length | list* | length number
list:map | | new list list-of-object
list:filter | | list list-of-object
list:pluck | list* | values list-of-text
list:pop | list* | list list-of-object, item object
list:push | item*, list* | list list-of-object
list:reduce | | item object
list:sample | list*, amount* number | samples list-of-object
list:shift | list* | list list-of-object, item object
list:sortBy | list* | sorted list list-of-object
list:union | list1*, list2* | union list-of-object
list:uniqueBy | list*, path* text | unique list list-of-object
math:add | a* number, b* number | output number
math:ceil | a* number | output number
math:divide | a* number, b* number, decimals* number | output number
math:expression | _text_* text | output number
math:multiply | a* number, b* number | output number
math:random | a* number, b* number | output number
math:round | a* number | output number
math:subtract | a* number, b* number | output number
object:clearEmpty | object* object, recursive boolean | output object
object:construct | | output object
object:get | object* object, path* text |
object:keys | object* object | keys list-of-text
object:map | | new list list-of-object
object:merge | start* object, sink* object | output object
object:pick | object* object |
object:set | object* object, path* text | output object
object:values | object* object | values list-of-object
string:base64 | string* text |
string:base64Decode | string* text |
string:compose | _text_* text |
string:concat | string1* text, string2* text |
string:email | string* text |
string:find | string* text, substr* text | output number
string:lastIndexOf | string* text, substr* text, index number | output number
string:length | string* text | length number
string:match | string* text, target* text | output number
string:random | length* number |
string:replace | string text, src text, dest text, global boolean, sensitive boolean |
string:replaceAny | text* text, global boolean, case sensitive boolean |
string:split | string* text, delimiter text | output list-of-text
string:substr | string* text, start number, end number |
string:toLowerCase | string* text |
string:trim | string* text |
url:encodeComponent | string* text |
utility:exportFlo | flo* flow, pretty* boolean, indent number | output file
";

/// What is known about a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) required: bool,
    pub(crate) ty: Option<Type>,
}

type Table = HashMap<(&'static str, usize, &'static str), Known>;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::new();
    for line in CARDS.lines() {
        let mut columns = line.split('|');
        let address = columns.next().unwrap_or_default().trim();
        for (side, fields) in columns.enumerate() {
            for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
                let (name, ty) = match field.rsplit_once(' ') {
                    Some((name, ty)) if Type::named(ty).is_some() => (name, Type::named(ty)),
                    _ => (field, None),
                };
                let known = Known { required: name.ends_with('*'), ty };
                table.insert((address, side, name.trim_end_matches('*')), known);
            }
        }
    }
    table
});

fn known(address: &Address, side: usize, slot: &Slot) -> Known {
    match &slot.group {
        None => TABLE.get(&(address.as_str(), side, slot.key.as_str())).copied().unwrap_or_default(),
        Some(_) => Known::default(),
    }
}

/// What is known about an input.
pub(crate) fn input(address: &Address, slot: &Slot) -> Known {
    known(address, 0, slot)
}

/// The type of an output.
pub(crate) fn output(address: &Address, slot: &Slot) -> Option<Type> {
    known(address, 1, slot).ty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Base;

    #[test]
    fn the_table_is_read_whole() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let at = |address: &Address, key: &str| input(address, &Slot::plain(key));
        assert_eq!(at(&address("list:at"), "list"), Known { required: true, ty: None });
        assert_eq!(at(&address("list:at"), "index"), Known { required: true, ty: Some(Type::one(Base::Number)) });
        assert!(at(&address("string:replaceAny"), "case sensitive").ty.is_some());
        assert_eq!(output(&address("list:sortBy"), &Slot::plain("sorted list")), Some(Type::list(Base::Object)));
        assert_eq!(output(&address("control:throw"), &Slot::plain("statusCode")), Some(Type::one(Base::Number)));
        for line in CARDS.lines() {
            assert_eq!(line.matches('|').count(), 2, "{line}");
        }
    }
}
