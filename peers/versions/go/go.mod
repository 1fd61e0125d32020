module proofhouse/peers/versions

go 1.24

require golang.org/x/mod v0.43.0
