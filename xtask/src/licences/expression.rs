//! SPDX licence expressions, as far as crates use them.
//!
//! `expression = term { ("OR" | "/") term }`, `term = factor { "AND" factor }`,
//! `factor = "(" expression ")" | licence [ "WITH" exception ]`. `AND` binds tighter than `OR`;
//! the slash is the old way to write `OR`.

use std::iter::Peekable;
use std::vec::IntoIter;

/// Whether the expression can be satisfied with allowed licences alone. An expression that cannot
/// be read cannot be satisfied.
///
/// `X WITH exception` grants more than `X`, so it is allowed where `X` is.
pub(crate) fn is_satisfied(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut reader = Reader {
        words: words(expression).into_iter().peekable(),
        is_allowed,
    };
    reader.any() == Some(true) && reader.words.next().is_none()
}

struct Reader<'a> {
    words: Peekable<IntoIter<String>>,
    is_allowed: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn any(&mut self) -> Option<bool> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Some(satisfied)
    }

    fn all(&mut self) -> Option<bool> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Some(satisfied)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let satisfied = self.any()?;
            return self.take(")").then_some(satisfied);
        }
        let licence = self.licence()?;
        if self.take("WITH") {
            self.licence()?;
        }
        Some((self.is_allowed)(&licence))
    }

    fn licence(&mut self) -> Option<String> {
        self.words
            .next_if(|word| !matches!(word.as_str(), "OR" | "AND" | "WITH" | "(" | ")"))
    }

    fn take(&mut self, wanted: &str) -> bool {
        self.words.next_if(|word| word == wanted).is_some()
    }
}

fn words(expression: &str) -> Vec<String> {
    expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ")
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn satisfied(expression: &str) -> bool {
        is_satisfied(expression, &|licence| {
            ["MIT", "Apache-2.0", "ISC"].contains(&licence)
        })
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        for expression in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/GPL-3.0",
            "Unlicense / MIT",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
            "(MIT OR GPL-3.0) AND ISC",
            "GPL-3.0 AND ISC OR MIT",
        ] {
            assert!(satisfied(expression), "{expression}");
        }
    }

    #[test]
    fn everything_joined_by_and_must_be_allowed() {
        for expression in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT AND (GPL-3.0 OR MPL-2.0)",
            "GPL-3.0 OR MIT AND MPL-2.0",
        ] {
            assert!(!satisfied(expression), "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in [
            "", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND MIT", "MIT WITH",
        ] {
            assert!(!satisfied(expression), "{expression:?}");
        }
    }
}
