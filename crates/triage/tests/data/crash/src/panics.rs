//! Rust programs that panic: `panics KIND`.
mod codec {
    pub struct Row<T>(pub Vec<T>);
    impl<T: Copy> Row<T> {
        #[inline(never)]
        pub fn cell(&self, at: usize) -> T {
            self.0[at]
        }
    }
    pub trait Decode {
        fn decode(&self, at: usize) -> u8;
    }
    impl Decode for Row<u8> {
        #[inline(never)]
        fn decode(&self, at: usize) -> u8 {
            self.cell(at)
        }
    }
    #[inline(never)]
    pub fn size(text: &str) -> u32 {
        text.parse().unwrap()
    }
    #[inline(never)]
    pub fn add(a: u8, b: u8) -> u8 {
        a + b
    }
    #[inline(never)]
    pub fn deep(n: u64) -> u64 {
        let page = [n; 64];
        std::hint::black_box(&page);
        deep(n + 1) + page[(n % 64) as usize]
    }
}
use codec::Decode;
fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let many = std::env::args().count();
    let row = codec::Row(vec![1u8, 2]);
    match kind.as_str() {
        "index" => println!("{}", row.decode(many + 3)),
        "closure" => (0..many + 3).for_each(|at| println!("{}", row.decode(at))),
        "unwrap" => println!("{}", codec::size("x1")),
        "add" => println!("{}", codec::add(250, many as u8 * 5)),
        "deep" => println!("{}", codec::deep(1)),
        "assert" => assert_eq!(many, 9, "rows in frame"),
        _ => {}
    }
}
