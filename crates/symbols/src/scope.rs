//! What a node adds to the symbol of the places within it: a function's name, a class's, a module's. A function without a name is
//! called by what it is assigned to. Must not walk: it is given the node with those above it.

use tree_sitter::Node;
use triage::place::Language;

/// One part of a symbol.
pub struct Part {
    /// What stands before it, where something is outside of it.
    pub joint: &'static str,
    /// As the source has it.
    pub name: String,
    /// A function, and nothing that only holds some.
    pub function: bool,
}

/// A node with all above it, the whole file first.
type Chain<'c, 't> = &'c [Node<'t>];

/// What the last node of a chain adds.
pub fn part(language: Language, chain: Chain<'_, '_>, source: &[u8]) -> Option<Part> {
    let node = chain.last()?;
    let kind = node.kind();
    let code = Code { chain, source };
    let (name, function) = match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => code.script(kind),
        Language::Python => code.python(kind),
        Language::Rust => code.rust(kind),
        Language::C | Language::Cpp => code.c(kind),
        Language::Go => code.go(kind),
        Language::Java => code.java(kind),
        Language::CSharp => code.c_sharp(kind),
        Language::Ruby => code.ruby(kind),
        Language::Php => code.php(kind),
    }?;
    let joint = match kind {
        "method" if chain.iter().any(|above| above.kind() == "singleton_class") => ".",
        "method" => "#",
        "singleton_method" => ".",
        _ => language.joint(),
    };
    Some(Part { joint, name, function })
}

/// The last node and the file's bytes.
struct Code<'c, 't> {
    chain: Chain<'c, 't>,
    source: &'c [u8],
}

type Named = Option<(String, bool)>;

impl<'t> Code<'_, 't> {
    fn text(&self, node: Node<'t>) -> Option<String> {
        /// A name that is longer is none, in bytes.
        const NAME_BYTES_MAX: usize = 1_024;
        let bytes = self.source.get(node.byte_range())?;
        (bytes.len() <= NAME_BYTES_MAX).then(|| String::from_utf8_lossy(bytes).into_owned())
    }

    fn field(&self, field: &str) -> Option<String> {
        self.text(self.chain.last()?.child_by_field_name(field)?)
    }

    /// A function of the name in its field, or of what it is assigned to.
    fn function(&self, assigned: bool) -> Named {
        let named = self.field("name");
        Some((named.or_else(|| if assigned { self.assigned_to() } else { None })?, true))
    }

    /// What holds functions: a class, a module.
    fn holder(&self, field: &str) -> Named {
        Some((self.field(field)?, false))
    }

    /// The left side of what the last node is the right side of.
    fn assigned_to(&self) -> Option<String> {
        const PASSED: [&str; 9] = [
            "parenthesized_expression",
            "as_expression",
            "satisfies_expression",
            "await_expression",
            "expression_list",
            "literal_element",
            "equals_value_clause",
            "cast_expression",
            "initializer_pair",
        ];
        let mut inner = self.chain.last()?;
        for above in self.chain.iter().rev().skip(1) {
            let fields: &[&str] = match above.kind() {
                "variable_declarator" | "var_spec" | "const_spec" => &["name"],
                "init_declarator" => &["declarator"],
                "let_declaration" => &["pattern"],
                "assignment_expression"
                | "assignment"
                | "augmented_assignment_expression"
                | "assignment_pattern"
                | "short_var_declaration"
                | "assignment_statement"
                | "operator_assignment" => &["left"],
                "pair" | "keyed_element" => &["key"],
                "field_definition" | "public_field_definition" | "property_element" => &["property", "name"],
                kind if PASSED.contains(&kind) => {
                    inner = above;
                    continue;
                }
                _ => return None,
            };
            let left = fields.iter().find_map(|field| above.child_by_field_name(field)).or_else(|| above.child(0))?;
            if left.id() == inner.id() {
                return None;
            }
            let name = self.text(left)?;
            return Some(name.trim_matches(['"', '\'', '`', '$', '*', '&', ' ']).to_owned())
                .filter(|name| is_name(name));
        }
        None
    }

    fn script(&self, kind: &str) -> Named {
        match kind {
            "function_declaration"
            | "generator_function_declaration"
            | "method_definition"
            | "function_expression"
            | "generator_function"
            | "arrow_function" => self.function(true),
            "class_declaration" | "abstract_class_declaration" | "class" if self.field("name").is_some() => {
                self.holder("name")
            }
            "class" | "object" => Some((self.assigned_to()?, false)),
            "internal_module" | "module" | "interface_declaration" | "enum_declaration" => {
                let (name, function) = self.holder("name")?;
                Some((name.trim_matches(['"', '\'']).to_owned(), function))
            }
            _ => None,
        }
    }

    fn python(&self, kind: &str) -> Named {
        match kind {
            "function_definition" => self.function(false),
            "lambda" => self.function(true),
            "class_definition" => self.holder("name"),
            _ => None,
        }
    }

    fn rust(&self, kind: &str) -> Named {
        match kind {
            "function_item" | "function_signature_item" | "macro_definition" => self.function(false),
            "closure_expression" => Some((self.assigned_to()?.trim_start_matches("mut ").to_owned(), true)),
            "impl_item" => self.holder("type"),
            "trait_item" | "mod_item" | "struct_item" | "enum_item" | "union_item" | "const_item" | "static_item" => {
                self.holder("name")
            }
            _ => None,
        }
    }

    fn c(&self, kind: &str) -> Named {
        match kind {
            "function_definition" => Some((self.declared()?, true)),
            "lambda_expression" => Some((self.assigned_to()?, true)),
            "preproc_function_def" => self.function(false),
            "class_specifier" | "struct_specifier" | "union_specifier" => {
                self.chain.last()?.child_by_field_name("body")?;
                self.holder("name")
            }
            "namespace_definition" => self.holder("name"),
            _ => None,
        }
    }

    /// The name within a declarator: `*(name)(int)`.
    fn declared(&self) -> Option<String> {
        /// Declarators within each other.
        const LEVELS_COUNT_MAX: usize = 32;
        let mut node = self.chain.last()?.child_by_field_name("declarator")?;
        for _ in 0..LEVELS_COUNT_MAX {
            let inner = node.child_by_field_name("declarator").or_else(|| {
                let wraps = ["reference_declarator", "parenthesized_declarator", "attributed_declarator"];
                if wraps.contains(&node.kind()) { node.named_child(0) } else { None }
            });
            match inner {
                Some(inner) => node = inner,
                None => return self.text(node),
            }
        }
        None
    }

    fn go(&self, kind: &str) -> Named {
        match kind {
            "function_declaration" => self.function(false),
            "method_declaration" => {
                let receiver = self.chain.last()?.child_by_field_name("receiver")?.named_child(0)?;
                let receiver = self.text(receiver.child_by_field_name("type")?)?;
                let receiver = receiver.trim_start_matches('*').split('[').next().unwrap_or_default().to_owned();
                Some((format!("{receiver}.{}", self.field("name")?), true))
            }
            "func_literal" => Some((self.assigned_to()?, true)),
            "type_spec" => self.holder("name"),
            _ => None,
        }
    }

    fn java(&self, kind: &str) -> Named {
        match kind {
            "method_declaration" | "constructor_declaration" => self.function(false),
            // It is called as its class, and has no name of its own.
            "compact_constructor_declaration" => self.function(false),
            "lambda_expression" => Some((self.assigned_to()?, true)),
            "class_declaration"
            | "interface_declaration"
            | "enum_declaration"
            | "record_declaration"
            | "annotation_type_declaration" => self.holder("name"),
            _ => None,
        }
    }

    fn c_sharp(&self, kind: &str) -> Named {
        match kind {
            "method_declaration"
            | "constructor_declaration"
            | "destructor_declaration"
            | "property_declaration"
            | "event_declaration"
            | "local_function_statement" => self.function(false),
            "operator_declaration" => Some((format!("operator{}", self.field("operator")?), true)),
            "indexer_declaration" => Some(("this".to_owned(), true)),
            "lambda_expression" | "anonymous_method_expression" => Some((self.assigned_to()?, true)),
            "namespace_declaration"
            | "class_declaration"
            | "struct_declaration"
            | "interface_declaration"
            | "record_declaration"
            | "enum_declaration" => self.holder("name"),
            _ => None,
        }
    }

    fn ruby(&self, kind: &str) -> Named {
        match kind {
            "method" => self.function(false),
            "singleton_method" => self.function(false),
            "module" | "class" => self.holder("name"),
            "lambda" => Some((self.assigned_to()?, true)),
            "block" | "do_block" => {
                let call = self.chain.iter().rev().nth(1).filter(|above| above.kind() == "call")?;
                let method = self.text(call.child_by_field_name("method")?)?;
                match method.as_str() {
                    "define_method" | "define_singleton_method" => {
                        let name = self.text(call.child_by_field_name("arguments")?.named_child(0)?)?;
                        Some((name.trim_matches([':', '"', '\'']).to_owned(), true)).filter(|(name, _)| is_name(name))
                    }
                    "lambda" | "proc" => {
                        let above = self.chain.get(..self.chain.len() - 1)?;
                        Some((Code { chain: above, source: self.source }.assigned_to()?, true))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn php(&self, kind: &str) -> Named {
        match kind {
            "method_declaration" | "function_definition" => self.function(false),
            "anonymous_function" | "anonymous_function_creation_expression" | "arrow_function" => {
                Some((self.assigned_to()?, true))
            }
            "class_declaration" | "interface_declaration" | "trait_declaration" | "enum_declaration" => {
                self.holder("name")
            }
            "namespace_definition" => {
                self.chain.last()?.child_by_field_name("body")?;
                self.holder("name")
            }
            _ => None,
        }
    }
}

/// Whether a left side can be a name: no pattern, no call, no computed key.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['(', '[', '{', ',', '\n', ' ']) || text.starts_with("mut ")
}
