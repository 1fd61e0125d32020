<?php
// Composer's own order: its version parser, then PHP's version_compare. Reads lines of two versions with a tab between them,
// writes <, = or >, or ! for what it refuses.
require $argv[1];
$parser = new Composer\Semver\VersionParser();
while (($line = fgets(STDIN)) !== false) {
    [$a, $b] = explode("\t", rtrim($line, "\n"));
    try {
        echo ['<', '=', '>'][version_compare($parser->normalize($a), $parser->normalize($b)) + 1], "\n";
    } catch (UnexpectedValueException $refused) {
        echo "!\n";
    }
}
