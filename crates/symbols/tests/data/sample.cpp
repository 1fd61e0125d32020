// Ours, to show which symbol each place is in: what stands behind the at sign.
#include <vector>
namespace store {
template <typename T> class Shelf {
public:
    Shelf() { items.reserve(3); } // @ store::Shelf::Shelf
    ~Shelf() { items.clear(); } // @ store::Shelf::~Shelf
    T &at(int i) { return items[i]; } // @ store::Shelf::at
    bool operator==(const Shelf &other) const {
        return items == other.items; // @ store::Shelf::operator==
    }
    void put(T item);
    std::vector<T> items; // @ store::Shelf
};
template <typename T> void Shelf<T>::put(T item) {
    auto later = [&](int n) {
        return n + 1; // @ store::Shelf::put::later
    };
    items.push_back(item); // @ store::Shelf::put
}
} // namespace store
int store_count = 0; // @
int main() {
    return store_count; // @ main
}
