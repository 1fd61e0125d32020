//! The product tree: vendor, product, version, each leaf with its purl. Order is that of the products.

use serde_json::{Value, json};

use super::Product;

/// A product's id in the document.
pub(super) fn product_id(product: &Product) -> Value {
    json!(product.purl)
}

/// Names in the order they first came, each with what belongs to it.
type Groups<'a, T> = Vec<(&'a str, Vec<T>)>;

/// `product_tree`.
pub(super) fn product_tree(products: &[Product]) -> Value {
    let mut vendors: Groups<(&str, Vec<&Product>)> = Vec::new();
    for product in products {
        let names = group(&mut vendors, &product.vendor);
        group(names, &product.name).push(product);
    }
    let branches: Vec<Value> = vendors
        .into_iter()
        .map(|(vendor, names)| {
            let branches: Vec<Value> = names
                .into_iter()
                .map(|(name, versions)| {
                    let leaves: Vec<Value> = versions.into_iter().map(leaf).collect();
                    json!({"category": "product_name", "name": name, "branches": leaves})
                })
                .collect();
            json!({"category": "vendor", "name": vendor, "branches": branches})
        })
        .collect();
    json!({"branches": branches})
}

fn group<'a, 'b, T>(groups: &'b mut Groups<'a, T>, name: &'a str) -> &'b mut Vec<T> {
    let at = match groups.iter().position(|(known, _)| *known == name) {
        Some(at) => at,
        None => {
            groups.push((name, Vec::new()));
            groups.len() - 1
        }
    };
    &mut groups[at].1
}

fn leaf(product: &Product) -> Value {
    json!({
        "category": "product_version",
        "name": product.version,
        "product": {
            "product_id": product_id(product),
            "name": format!("{} {}", product.name, product.version),
            "product_identification_helper": {"purl": product.purl},
        },
    })
}
