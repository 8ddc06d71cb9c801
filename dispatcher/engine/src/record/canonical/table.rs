//! Three kinds of tables from which the bytes, the way back and the JSON of a type follow. Each type has one; a field
//! number in it never changes its meaning, and `proto/hansom/log/v1/turn.proto` says the same for other readers.

/// A struct: `message!(Position { edge = 1, along = 2 })`.
macro_rules! message {
    ($type:ty { $($field:ident = $number:literal),* $(,)? }) => {
        impl Message for $type {
            fn write(&self, writer: &mut Writer) {
                $(Field::write(&self.$field, $number, writer);)*
            }

            fn read(input: &mut Input) -> Result<Self, DecodeError> {
                $(let mut $field = Slot::new();)*
                while let Some((number, wire)) = input.field()? {
                    match number {
                        $($number => $field.merge(wire, input)?,)*
                        _ => input.skip(wire)?,
                    }
                }
                Ok(Self { $($field: $field.finish(input, stringify!($type), stringify!($field))?),* })
            }

            fn json(&self, json: &mut Json) {
                $(
                    json.key(stringify!($field));
                    Field::json(&self.$field, json);
                )*
            }
        }
    };
}

/// An enum with content. Of its variants, `Kept = 1` is an empty message, `OnRoute = 3 { cursor = 1, place = 2 }` a
/// message of these fields, `Anchored = 2 (place)` a message whose field 1 is the content, called `place`, and
/// `OfferMade = 20 [offer]` the message that is the content.
macro_rules! oneof {
    ($type:ty { $(
        $variant:ident = $number:literal
            $({ $($field:ident = $sub:literal),* })?
            $(($inner:ident))?
            $([$whole:ident])?
    ),* $(,)? }) => {
        impl Message for $type {
            fn write(&self, writer: &mut Writer) {
                match self {
                    $(Self::$variant $({ $($field),* })? $(($inner))? $(($whole))? => {
                        writer.delimited($number, |writer| {
                            let _ = &writer;
                            $($(Field::write($field, $sub, writer);)*)?
                            $(Field::write($inner, 1, writer);)?
                            $(Message::write($whole, writer);)?
                        });
                    })*
                }
            }

            fn read(input: &mut Input) -> Result<Self, DecodeError> {
                let mut content = None;
                while let Some((number, wire)) = input.field()? {
                    content = Some(match number {
                        $($number => {
                            expect(wire, Wire::Bytes)?;
                            input.nested(|input| {
                                $($(let mut $field = Slot::new();)*)?
                                $(let mut $inner = Slot::new();)?
                                $(let $whole = Message::read(input)?;)?
                                while let Some((number, wire)) = input.field()? {
                                    match number {
                                        $($($sub => $field.merge(wire, input)?,)*)?
                                        $(1 => Slot::merge(&mut $inner, wire, input)?,)?
                                        _ => input.skip(wire)?,
                                    }
                                }
                                Ok(Self::$variant
                                    $({ $($field: $field.finish(input, stringify!($variant), stringify!($field))?),* })?
                                    $(($inner.finish(input, stringify!($variant), stringify!($inner))?))?
                                    $(($whole))?)
                            })?
                        })*
                        _ => return Err(DecodeError::Unknown { message: stringify!($type), number }),
                    });
                }
                content.ok_or(DecodeError::Missing { message: stringify!($type), field: "content" })
            }

            fn json(&self, json: &mut Json) {
                json.key("type");
                match self {
                    $(Self::$variant $({ $($field),* })? $(($inner))? $(($whole))? => {
                        json.string(stringify!($variant));
                        $($(
                            json.key(stringify!($field));
                            Field::json($field, json);
                        )*)?
                        $(
                            json.key(stringify!($inner));
                            Field::json($inner, json);
                        )?
                        $(Message::json($whole, json);)?
                    })*
                }
            }
        }
    };
}

/// An enum without content, numbered from 1: 0 is what a reader sees where nothing is written.
macro_rules! codes {
    ($type:ty { $($variant:ident = $number:literal),* $(,)? }) => {
        impl Number for $type {
            fn encode(self) -> u64 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            fn decode(number: u64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            fn json(self, json: &mut Json) {
                match self {
                    $(Self::$variant => json.snake_case(stringify!($variant)),)*
                }
            }
        }
        number_fields!(None; $type);
    };
}

pub(crate) use {codes, message, oneof};
