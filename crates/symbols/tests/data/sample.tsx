// Ours, to show which symbol each place is in: what stands behind the at sign.
export const Label = ({ text }: { text: string }) => {
  return <b dangerouslySetInnerHTML={{ __html: text }} /> // @ Label
}
export class Panel {
  render() {
    return <Label text="a" /> // @ Panel.render
  }
}
