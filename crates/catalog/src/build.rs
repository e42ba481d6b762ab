//! Short constructors that the generated statics are written with.

use crate::operation::{Parameter, ParameterIn, TypeRef};
use crate::schema::Property;
use crate::table::{Column, ColumnType, Ops, Source};

pub(crate) const fn path(name: &'static str, schema: TypeRef) -> Parameter {
    parameter(name, ParameterIn::Path, schema).required()
}

pub(crate) const fn query(name: &'static str, schema: TypeRef) -> Parameter {
    parameter(name, ParameterIn::Query, schema)
}

pub(crate) const fn header(name: &'static str, schema: TypeRef) -> Parameter {
    parameter(name, ParameterIn::Header, schema)
}

const fn parameter(name: &'static str, location: ParameterIn, schema: TypeRef) -> Parameter {
    Parameter { name, location, required: false, schema, values: &[], comma_separated: false }
}

impl Parameter {
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn comma_separated(mut self) -> Self {
        self.comma_separated = true;
        self
    }
}

pub(crate) const fn property(name: &'static str, schema: TypeRef) -> Property {
    Property {
        name,
        schema,
        format: "",
        required: false,
        read_only: false,
        write_only: false,
        secret: false,
        nullable: false,
        values: &[],
        default: "",
        minimum: None,
        maximum: None,
        min_length: None,
        max_length: None,
        pattern: "",
    }
}

impl Property {
    pub(crate) const fn format(mut self, format: &'static str) -> Self {
        self.format = format;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub(crate) const fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    pub(crate) const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    pub(crate) const fn minimum(mut self, minimum: f64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    pub(crate) const fn maximum(mut self, maximum: f64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    pub(crate) const fn min_length(mut self, characters: u32) -> Self {
        self.min_length = Some(characters);
        self
    }

    pub(crate) const fn max_length(mut self, characters: u32) -> Self {
        self.max_length = Some(characters);
        self
    }

    pub(crate) const fn pattern(mut self, pattern: &'static str) -> Self {
        self.pattern = pattern;
        self
    }
}

/// A column that may be NULL and written, and cannot be pushed.
pub(crate) const fn column(name: &'static str, data_type: ColumnType, sources: &'static [Source]) -> Column {
    Column {
        name,
        aliases: &[],
        data_type,
        nullable: true,
        read_only: false,
        sources,
        attribute: "",
        filter: Ops::NONE,
        search: Ops::NONE,
        expand: None,
        values: &[],
        hidden: false,
    }
}

impl Column {
    pub(crate) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub(crate) const fn attribute(mut self, attribute: &'static str) -> Self {
        self.attribute = attribute;
        self
    }

    pub(crate) const fn filter(mut self, operators: Ops) -> Self {
        self.filter = operators;
        self
    }

    pub(crate) const fn search(mut self, operators: Ops) -> Self {
        self.search = operators;
        self
    }

    pub(crate) const fn expand(mut self, value: &'static str) -> Self {
        self.expand = Some(value);
        self
    }

    pub(crate) const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }
}
