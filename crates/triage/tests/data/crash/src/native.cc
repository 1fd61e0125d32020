// The same for C++: templates, namespaces, methods, inlined frames, exceptions. `native KIND`.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
#include <climits>

namespace codec {
namespace {
template <typename T> __attribute__((always_inline)) inline T load_at(const T *from, size_t at) { return from[at]; }
}
template <typename Pixel, int Planes> class Decoder {
 public:
  explicit Decoder(size_t width) : row_(new Pixel[width]), width_(width) {}
  __attribute__((noinline)) Pixel row_sum(size_t upto) const {
    Pixel sum = 0;
    for (size_t i = 0; i < upto; i++) sum += load_at(row_, i);
    return sum;
  }
  __attribute__((noinline)) Pixel operator()(size_t upto) const { return row_sum(upto); }
  void drop() { delete[] row_; }
 private:
  Pixel *row_;
  size_t width_;
};
struct Shape { virtual ~Shape() {} virtual int area() const { return 1; } };
struct Square : Shape { int side = 3; int area() const override { return side * side; } };
struct Circle : Shape { double radius = 1; };
__attribute__((noinline)) int square_side(Shape *shape) { return static_cast<Square *>(shape)->side; }
__attribute__((noinline)) int add(int a, int b) { return a + b; }
__attribute__((noinline)) int shift(int a, int by) { return a << by; }
__attribute__((noinline)) int divide(int a, int by) { return a / by; }
__attribute__((noinline)) int pick(int at) { int table[4] = {1, 2, 3, 4}; return table[at]; }
__attribute__((noinline)) int narrow(double value) { return static_cast<int>(value); }
__attribute__((noinline)) int length(const std::string *text) { return static_cast<int>(text->size()); }
struct Node { int kind; int value; };
__attribute__((noinline)) int value_of(const Node *node) { return node->value; }
__attribute__((noinline)) int unaligned(const char *at) { return *reinterpret_cast<const int *>(at); }
__attribute__((noinline)) bool truth(const unsigned char *at) { bool b; memcpy(&b, at, 1); return b; }
__attribute__((noinline)) int sized(int n) { int row[n]; row[0] = n; return row[0]; }
__attribute__((noinline)) void refuse(int code) { throw std::runtime_error("bad chunk " + std::to_string(code)); }
}  // namespace codec

volatile int sink;
int main(int argc, char **argv) {
  using namespace codec;
  std::string kind = argc > 1 ? argv[1] : "";
  Decoder<unsigned short, 3> decoder(16);
  if (kind == "template-read") sink = decoder(20 + argc);
  if (kind == "freed-read") { decoder.drop(); sink = decoder(2); }
  if (kind == "lambda") { auto each = [&](size_t n) { return decoder(n); }; std::vector<size_t> all{40}; for (auto n : all) sink = each(n); }
  if (kind == "container") { std::vector<int> v; v.reserve(8); v.push_back(1); sink = v.data()[2 + argc - 2]; }
  if (kind == "throw") refuse(argc);
  if (kind == "ub-add") sink = add(INT_MAX, argc);
  if (kind == "ub-shift") sink = shift(1, 30 + argc);
  if (kind == "ub-divide") sink = divide(argc, argc - 2);
  if (kind == "ub-index") sink = pick(argc + 3);
  if (kind == "ub-cast") { Circle circle; sink = square_side(&circle); }
  if (kind == "ub-float") sink = narrow(1e20 * argc);
  if (kind == "ub-null") sink = value_of(argc > 5 ? new Node{1, 2} : nullptr);
  if (kind == "ub-aligned") { char bytes[16] = {}; sink = unaligned(bytes + 1); }
  if (kind == "ub-bool") { unsigned char two = static_cast<unsigned char>(argc); sink = truth(&two); }
  if (kind == "ub-vla") sink = sized(argc - 3);
  return 0;
}
