/// The version of both programs, of library and packages.
public var rarebitVersion: StaticString { "0.1.0" }
