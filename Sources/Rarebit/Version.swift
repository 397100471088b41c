/// The version of program, library and packages.
public var rarebitVersion: StaticString { "0.1.0" }
