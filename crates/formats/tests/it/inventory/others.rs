//! Lock files of Ruby, PHP, .NET and Gradle.

use super::{read_lines, refused};

pub const GEMFILE: &str = "GIT
  remote: https://example.org/thing.git
  revision: 0123
  specs:
    thing (1.0)
      rack (>= 1.0)

PATH
  remote: engines/own
  specs:
    own (0.1.0)

GEM
  remote: https://packages.example.org/
  specs:
    nokogiri (1.10.0)
      mini_portile2 (~> 2.4.0)
    nokogiri (1.10.0-x86_64-linux)
    rack (2.0.1)
    odd

PLATFORMS
  ruby

DEPENDENCIES
  rack
  thing!

BUNDLED WITH
   2.3.0
";

#[test]
fn gemfile() {
    let text = GEMFILE;
    let expected = [
        "line 5: thing [from-repository]",
        "line 11: own [from-file]",
        "line 16: RubyGems nokogiri 1.10.0",
        "line 18: RubyGems nokogiri 1.10.0",
        "line 19: RubyGems rack 2.0.1",
        "line 20: odd [malformed-entry]",
    ];
    assert_eq!(read_lines(text), expected);
    let windows = text.replace('\n', "\r\n");
    assert_eq!(read_lines(&windows), expected);
    let conflict = "GEM\n  specs:\n<<<<<<< ours\n    rack (2.0.1)\n=======\n    rack (2.0.2)\n>>>>>>> theirs\n";
    assert_eq!(
        read_lines(conflict),
        [
            "line 4: RubyGems rack 2.0.1",
            "line 6: RubyGems rack 2.0.2",
            "warning merge_conflict line 3",
            "warning merge_conflict line 5",
            "warning merge_conflict line 7",
        ]
    );
}

pub const COMPOSER: &str = r#"{
        "content-hash": "00",
        "packages": [
            {"name": "symfony/http-kernel", "version": "v4.4.0", "notification-url": "https://packages.example.org/downloads/",
             "source": {"type": "git", "url": "https://example.org/k.git", "reference": "0123"}, "dist": {"type": "zip"}},
            {"name": "a/branch", "version": "dev-main", "notification-url": "x", "source": {"type": "git"}},
            {"name": "a/repository", "version": "1.0.0", "source": {"type": "git"}, "dist": {"type": "zip"}},
            {"name": "a/folder", "version": "1.0.0", "dist": {"type": "path", "url": "../folder"}},
            {"name": "a/archive", "version": "1.0.0", "dist": {"type": "zip"}},
            {"version": "1.0.0"}
        ],
        "packages-dev": [{"name": "phpunit/phpunit", "version": "7.5.20", "notification-url": "x"}],
        "minimum-stability": "stable"
    }"#;

#[test]
fn composer() {
    let text = COMPOSER;
    assert_eq!(
        read_lines(text),
        [
            "packages[0]: Packagist symfony/http-kernel v4.4.0",
            "packages[1]: a/branch [from-repository]",
            "packages[2]: a/repository [from-repository]",
            "packages[3]: a/folder [from-file]",
            "packages[4]: a/archive [from-archive]",
            "packages[5]: a package without a name [malformed-entry]",
            "packages-dev[0]: Packagist phpunit/phpunit 7.5.20",
        ]
    );
}

pub const NUGET: &str = r#"{"version": 1, "dependencies": {
        ".NETCoreApp,Version=v3.1": {
            "Newtonsoft.Json": {"type": "Direct", "requested": "[12.0.1, )", "resolved": "12.0.1", "contentHash": "x"},
            "System.Text": {"type": "Transitive"},
            "shop.core": {"type": "Project", "dependencies": {"Newtonsoft.Json": "[12.0.1, )"}}
        },
        "net6.0/linux-x64": {"Newtonsoft.Json": {"type": "CentralTransitive", "resolved": "13.0.1"}}
    }}"#;

#[test]
fn nuget() {
    let text = NUGET;
    let expected = [
        "dependencies..NETCoreApp,Version=v3.1.Newtonsoft.Json: NuGet Newtonsoft.Json 12.0.1",
        "dependencies..NETCoreApp,Version=v3.1.System.Text: System.Text [no-version]",
        "dependencies..NETCoreApp,Version=v3.1.shop.core: shop.core [own-code]",
        "dependencies.net6.0/linux-x64.Newtonsoft.Json: NuGet Newtonsoft.Json 13.0.1",
    ];
    assert_eq!(read_lines(text), expected);
    assert_eq!(read_lines(&text.replace("\"version\": 1", "\"version\": 2")), expected);
    let refusal = "read a packages.lock.json: version \"3\" is not read; 1 and 2 are";
    assert_eq!(refused(&text.replace("\"version\": 1", "\"version\": 3")), refusal);
}

pub const GRADLE: &str = "# This is a Gradle generated file for dependency locking.
# Manual edits can break the build and are not advised.
# This file is expected to be part of source control.
com.fasterxml.jackson.core:jackson-databind:2.9.8=compileClasspath,runtimeClasspath
org.apache.logging.log4j:log4j-core:2.14.1=runtimeClasspath
odd line
empty=annotationProcessor
";

#[test]
fn gradle() {
    let text = GRADLE;
    assert_eq!(
        read_lines(text),
        [
            "line 4: Maven com.fasterxml.jackson.core:jackson-databind 2.9.8",
            "line 5: Maven org.apache.logging.log4j:log4j-core 2.14.1",
            "line 6: odd line [malformed-entry]",
        ]
    );
}
