<?php
// Ours, to show which symbol each place is in: what stands behind the at sign.
namespace Store;
$limit = 3; // @
function outer($a) { // @ outer
    $inner = function ($b) use ($a) {
        return $b + $a; // @ outer::inner
    };
    return $inner($a); // @ outer
}
abstract class Shelf {
    public $size = 3; // @ Shelf
    public function __construct(array $items) {
        $this->size = count($items); // @ Shelf::__construct
    }
    public static function open(string $name) {
        return eval($name); // @ Shelf::open
    }
}
trait Keep {
    private function keep() {
        return fn ($n) => $n * 2; // @ Keep::keep
    }
}
?>
<p><?= $limit ?></p>
