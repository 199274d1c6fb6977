export function CardinalityPage() { return null; }
