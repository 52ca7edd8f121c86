//! What types are called in texts that clients see, which know only .NET's names.

use std::any::type_name;

/// A type's own name, without its path and its parameters.
pub(crate) fn short_name<T: ?Sized>() -> &'static str {
    let name = type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

/// The name of the .NET type that a type of Rust stands for, or its own where there is none.
pub(crate) fn official_name<T: ?Sized>() -> &'static str {
    match short_name::<T>() {
        "bool" => "Boolean",
        "i8" => "SByte",
        "i16" => "Int16",
        "i32" => "Int32",
        "i64" | "isize" => "Int64",
        "i128" => "Int128",
        "u8" => "Byte",
        "u16" => "UInt16",
        "u32" => "UInt32",
        "u64" | "usize" => "UInt64",
        "u128" => "UInt128",
        "f32" => "Single",
        "f64" => "Double",
        "char" => "Char",
        "String" => "String",
        "Uuid" => "Guid",
        "Option" => "Nullable`1",
        "Vec" => "List`1",
        "HashSet" | "BTreeSet" => "HashSet`1",
        "HashMap" | "BTreeMap" => "Dictionary`2",
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{official_name, short_name};

    struct Reading<T>(T);

    #[test]
    fn a_type_is_called_by_the_last_part_of_its_path() {
        assert_eq!(short_name::<std::io::Error>(), "Error");
        assert_eq!(short_name::<Reading<HashMap<String, i32>>>(), "Reading");
        assert_eq!(short_name::<i32>(), "i32");
    }

    #[test]
    fn what_dotnet_has_a_name_for_is_called_by_it() {
        assert_eq!(official_name::<i32>(), "Int32");
        assert_eq!(official_name::<Option<f64>>(), "Nullable`1");
        assert_eq!(official_name::<Vec<String>>(), "List`1");
        assert_eq!(official_name::<HashMap<String, i64>>(), "Dictionary`2");
        assert_eq!(official_name::<Reading<u8>>(), "Reading");
    }
}
