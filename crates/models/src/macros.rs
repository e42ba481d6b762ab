//! What a model is made of. Each macro turns the facts of a schema into a type that the drivers know.

/// What every model has, by way of the drivers.
macro_rules! model {
    ($name:ident, $view:ident, $blank:expr) => {
        impl $crate::Value for $name {
            fn view(&self) -> $crate::View<'_> {
                $crate::View::$view(self)
            }

            fn view_mut(&mut self) -> $crate::ViewMut<'_> {
                $crate::ViewMut::$view(self)
            }
        }

        impl $crate::Model for $name {
            fn blank() -> Self {
                $blank
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::serial::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::serial::deserialize(deserializer)
            }
        }
    };
}

/// Equality and printing by way of the drivers.
macro_rules! compared {
    ($name:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::compare::equal(self, other)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::compare::debug(self, f)
            }
        }
    };
}

macro_rules! flag {
    () => {
        false
    };
    (raw) => {
        false
    };
    (extensible) => {
        true
    };
    (common) => {
        true
    };
}

/// A blank object, with the members that tell it from other forms of unions.
macro_rules! tagged {
    ($blank:expr) => {
        $blank
    };
    ($blank:expr, $($property:literal = $value:literal),+) => {{
        let mut object = $blank;
        $( $crate::attributes::set(&mut object, $property, $value.into()); )+
        object
    }};
}

/// A struct with a field per member.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident = $schema:literal $($extensible:ident)? $(, $property:literal = $value:literal)* {
            $( $(#[$field_meta:meta])* $index:literal $field:ident: $type:ty = $json:literal $($flag:ident)*; )*
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $crate::Field<$type>, )*
            /// Members that are not known, and values that do not fit.
            pub extra: $crate::Extra,
        }

        impl Default for $name {
            fn default() -> Self {
                tagged!(<Self as $crate::Model>::blank() $(, $property = $value)*)
            }
        }

        impl Clone for $name {
            fn clone(&self) -> Self {
                let mut copy = <Self as $crate::Model>::blank();
                $crate::compare::copy_object(self, &mut copy);
                copy
            }
        }

        impl $crate::Object for $name {
            fn shape(&self) -> &'static $crate::Shape {
                static SHAPE: $crate::Shape = $crate::Shape {
                    schema: $schema,
                    name: stringify!($name),
                    members: &[ $( $crate::Member::new($json)$(.$flag())* ),* ],
                    extensible: flag!($($extensible)?),
                };
                &SHAPE
            }

            fn slot(&self, index: usize) -> Option<&dyn $crate::Slot> {
                match index {
                    $( $index => Some(&self.$field), )*
                    _ => None,
                }
            }

            fn slot_mut(&mut self, index: usize) -> Option<&mut dyn $crate::Slot> {
                match index {
                    $( $index => Some(&mut self.$field), )*
                    _ => None,
                }
            }

            fn extra(&self) -> &$crate::Extra {
                &self.extra
            }

            fn extra_mut(&mut self) -> &mut $crate::Extra {
                &mut self.extra
            }
        }

        model!($name, Object, Self { $( $field: $crate::Field::ABSENT, )* extra: $crate::Extra::EMPTY });
        compared!($name);
    };
}

/// An open enumeration.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $name:ident = $schema:literal {
            $( $index:literal $variant:ident = $value:literal; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( #[doc = concat!("`", $value, "`")] $variant, )*
            /// Any other text.
            Other(Box<str>),
        }

        impl $name {
            /// The text as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $value, )*
                    Self::Other(text) => text,
                }
            }

            /// The listed value if the text differs from one in case only; otherwise unchanged.
            #[must_use]
            pub fn folded(mut self) -> Self {
                $crate::choice::fold(&mut self);
                self
            }
        }

        impl $crate::Choice for $name {
            fn values(&self) -> &'static [&'static str] {
                &[ $( $value ),* ]
            }

            fn text(&self) -> &str {
                self.as_str()
            }

            fn select(&mut self, value: Result<usize, &str>) {
                *self = match value {
                    $( Ok($index) => Self::$variant, )*
                    Ok(_) => return,
                    Err(text) => Self::Other(text.into()),
                };
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                let mut choice = Self::Other(Box::default());
                $crate::choice::set(&mut choice, text);
                choice
            }
        }

        impl $crate::Text for $name {
            fn from_text(text: &str) -> Self {
                text.into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        model!($name, Choice, Self::Other(Box::default()));
    };
}

/// An enum of forms.
macro_rules! union {
    (
        $(#[$meta:meta])*
        $name:ident = $schema:literal by $property:literal or $kind:ident $other:ty {
            $( $index:literal $variant:ident($content:ty as $target:ty) $accessor:ident [$($value:literal),*]; )*
        }
        shared $variants:tt {
            $( $(#[$shared_meta:meta])* $shared:ident: $shared_type:ty; )*
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        pub enum $name {
            $( #[doc = concat!("Form `", stringify!($variant), "`.")] $variant($content), )*
            /// What fits none of the forms.
            Other($other),
        }

        impl $name {
            $(
                #[doc = concat!("The content, if the form is `", stringify!($variant), "`.")]
                pub fn $accessor(&self) -> Option<&$target> {
                    if let Self::$variant(content) = self { Some(content) } else { None }
                }
            )*

            $( shared! { $variants $(#[$shared_meta])* $shared: $shared_type } )*
        }

        $(
            /// The member that tells the form is set, if it is absent and has one value only.
            impl From<$target> for $name {
                fn from(content: $target) -> Self {
                    let mut union = Self::$variant(content.into());
                    $crate::choice::tag(&mut union);
                    union
                }
            }
        )*

        impl Clone for $name {
            fn clone(&self) -> Self {
                let mut copy = <Self as $crate::Model>::blank();
                $crate::compare::copy(self, &mut copy);
                copy
            }
        }

        impl $crate::Union for $name {
            fn shape(&self) -> &'static $crate::Forms {
                static FORMS: $crate::Forms = $crate::Forms {
                    schema: $schema,
                    property: $property,
                    values: &[ $( &[ $( $value ),* ] ),* ],
                    has_common: flag!($kind),
                };
                &FORMS
            }

            fn form(&self) -> (Option<usize>, &dyn $crate::Value) {
                match self {
                    $( Self::$variant(content) => (Some($index), content), )*
                    Self::Other(content) => (None, content),
                }
            }

            fn content_mut(&mut self) -> &mut dyn $crate::Value {
                match self {
                    $( Self::$variant(content) => content, )*
                    Self::Other(content) => content,
                }
            }

            fn select(&mut self, form: Option<usize>) -> &mut dyn $crate::Value {
                *self = match form {
                    $( Some($index) => Self::$variant($crate::Model::blank()), )*
                    _ => Self::Other($crate::Model::blank()),
                };
                $crate::Union::content_mut(self)
            }
        }

        model!($name, Union, Self::Other($crate::Model::blank()));
        compared!($name);
    };
}

/// A member that every form of a union has.
macro_rules! shared {
    ([$($variant:ident)*] $(#[$meta:meta])* $field:ident: $type:ty) => {
        $(#[$meta])*
        pub fn $field(&self) -> &$crate::Field<$type> {
            match self {
                $( Self::$variant(content) => &content.$field, )*
            }
        }
    };
}
